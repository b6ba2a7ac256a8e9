/* perl with strings of megabytes that grow by realloc. */
#include "preloaded.h"

using namespace e2e;

namespace
{

constexpr char work[] = R"(
use Digest::MD5 qw(md5_hex);
for my $round (1 .. 10) {
	my $text = "";
	$text .= "line $_ of round $round\n" for 1 .. 100000;
	my $copy = $text;
	$copy =~ s/line/row/g;
	my @lines = split /\n/, $copy;
	print length($text), " ", scalar(@lines), " ", md5_hex($text . $copy), "\n";
}
)";

TEST(Perl, PrintsTheSame)
{
	std::string perl = find_program({ "perl" });

	NEED_FOUND(perl, "perl");
	auto plain = Launch({ perl, "-e", work }).plain().run();
	auto preloaded = Launch({ perl, "-e", work }).run();

	expect_same(plain, preloaded);
	EXPECT_GT(preloaded.report().number("requests"), 20U);
	EXPECT_GT(preloaded.report().number("hits"), 10U);
}

} // namespace
