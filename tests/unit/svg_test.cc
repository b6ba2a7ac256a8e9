#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

extern "C" {
#include "svg.h"
}

namespace
{

std::string written(const std::function<void(FILE *)> &write)
{
	char *bytes = nullptr;
	size_t size = 0;
	FILE *to = open_memstream(&bytes, &size);

	write(to);
	fclose(to);
	std::string text(bytes, size);

	free(bytes);
	return text;
}

std::string escaped(const char *text)
{
	return written([&](FILE *to) { svg_put_escaped(to, text); });
}

std::vector<double> ticks(double low, double high)
{
	svg_scale scale = { low, high, 0, 100 };
	double found[SVG_TICKS_MAX];
	size_t count = svg_ticks(&scale, found);

	return std::vector<double>(found, found + count);
}

size_t count_of(const std::string &text, const std::string &part)
{
	size_t count = 0;

	for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
		count++;
	return count;
}

TEST(Svg, EscapesWhatXmlTakesForItself)
{
	EXPECT_EQ("a&lt;b&gt; &amp;&quot;c&quot; 'd'", escaped("a<b> &\"c\" 'd'"));
	EXPECT_EQ("caf\xc3\xa9", escaped("caf\xc3\xa9"));
}

TEST(Svg, LeavesOutWhatXmlMayNotHave)
{
	EXPECT_EQ("a?b?c??", escaped("a\001b\033c\xff\n"));
}

TEST(Svg, PlacesValuesAlongAScale)
{
	svg_scale scale = { 10, 20, 100, 300 }, up = { 0, 4, 80, 0 }, none = { 5, 5, 7, 9 };

	EXPECT_EQ(100, svg_place(&scale, 10));
	EXPECT_EQ(200, svg_place(&scale, 15));
	EXPECT_EQ(20, svg_place(&up, 3)) << "the higher, the nearer to the top";
	EXPECT_EQ(7, svg_place(&none, 5));
}

TEST(Svg, PutsTicksAtRoundValues)
{
	EXPECT_EQ((std::vector<double>{ 0, 20, 40, 60, 80, 100 }), ticks(0, 100));
	EXPECT_EQ((std::vector<double>{ 4, 6, 8, 10, 12 }), ticks(3, 13));
	EXPECT_EQ((std::vector<double>{ -10, -5, 0, 5, 10 }), ticks(-11, 12));
	EXPECT_EQ((std::vector<double>{ 4000, 5000, 6000, 7000, 8000, 9000 }), ticks(3500, 9200));
	EXPECT_EQ((std::vector<double>{}), ticks(1, 1));
	EXPECT_EQ((std::vector<double>{}), ticks(0, NAN));
}

TEST(Svg, HasNoMoreTicksThanThereIsRoomFor)
{
	for (double high = 1e-7; high < 1e12; high *= 1.37) {
		std::vector<double> found = ticks(0, high);

		EXPECT_LE(found.size(), static_cast<size_t>(SVG_TICKS_MAX)) << high;
		EXPECT_GE(found.size(), 3U) << high;
		EXPECT_LE(found.back(), high * (1 + 1e-6));
	}
}

TEST(Svg, DrawsALineAndItsSteps)
{
	const svg_point points[] = { { 0, 1 }, { 2, 3 }, { 4, NAN } };

	EXPECT_EQ("<polyline class=\"l0\" points=\"0.00,1.00 2.00,3.00 4.00,0.00 \"/>\n",
		  written([&](FILE *to) { svg_lines(to, points, 3, "l0"); }));
	EXPECT_EQ("<polyline class=\"l1\" points=\"0.00,1.00 2.00,1.00 2.00,3.00 \"/>\n",
		  written([&](FILE *to) { svg_steps(to, points, 2, "l1"); }));
}

TEST(Svg, DrawsNoBoxOfLessThanNothing)
{
	const svg_area area = { 1, 2, -3, 4 };
	std::string box = written([&](FILE *to) { svg_box(to, &area, "s0", "<tip>"); });

	EXPECT_EQ(1U, count_of(box, "width=\"0.00\"")) << box;
	EXPECT_EQ(1U, count_of(box, "<title>&lt;tip&gt;</title></rect>")) << box;
}

TEST(Svg, LabelsEachTickOfAnAxis)
{
	const svg_area area = { 50, 10, 200, 100 };
	const svg_scale scale = { 0, 100, 110, 10 };
	auto label = [](char *buffer, double value) { snprintf(buffer, 32, "%.0f <s>", value); };
	std::string axis = written([&](FILE *to) { svg_axis_y(to, &area, &scale, label); });

	EXPECT_EQ(6U, count_of(axis, "class=\"grid\"")) << axis;
	EXPECT_EQ(1U, count_of(axis, ">20 &lt;s&gt;</text>")) << axis;
	EXPECT_EQ(6U, count_of(written([&](FILE *to) { svg_axis_x(to, &area, &scale, nullptr); }),
			       "</text>"));
}

TEST(Svg, IsOnePicture)
{
	std::string picture = written([](FILE *to) {
		svg_begin(to, 100, 50, "R & D");
		svg_end(to);
	});

	EXPECT_EQ(0U, picture.find("<svg xmlns=")) << picture;
	EXPECT_EQ(1U, count_of(picture, "<title>R &amp; D</title>"));
	EXPECT_EQ(1U, count_of(picture, "prefers-color-scheme:dark"));
	EXPECT_EQ("</svg>\n", picture.substr(picture.size() - 7));
}

} // namespace
