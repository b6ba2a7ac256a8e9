#include "snippet.h"

#include "command.h"

namespace e2e
{

std::string snippet(const std::string &document, const std::string &test, const std::string &name)
{
	std::string text = read_file(source_file(document));
	size_t marker = text.find("\n<!-- run by " + test + ": " + name + " -->\n```");
	size_t begin =
		marker == std::string::npos ? marker : text.find("\n", text.find("```", marker));
	size_t end = begin == std::string::npos ? begin : text.find("\n```\n", begin);

	if (end != std::string::npos)
		return text.substr(begin + 1, end - begin);
	ADD_FAILURE() << document << " has no block " << name << " of " << test;
	return "";
}

} // namespace e2e
