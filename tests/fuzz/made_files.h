/* Files of the machine made of any bytes: lines `@PATH` begin a file, whose text is what
 * follows. A file is found by its whole path, or else by its name. */
#ifndef MADE_FILES_H
#define MADE_FILES_H

#include <map>
#include <string>

extern "C" {
#include "fake_os.h"
}

struct MadeFiles {
	MadeFiles(const uint8_t *data, size_t size)
	{
		std::string all((const char *)data, size);
		size_t at = 0;

		while (at < all.size()) {
			size_t end = all.find("\n@", at);
			std::string one =
				all.substr(at, end == std::string::npos ? end : end + 1 - at);
			size_t head = one.find('\n');

			if (one[0] == '@' && head != std::string::npos)
				texts[one.substr(1, head - 1)] = one.substr(head + 1);
			at = end == std::string::npos ? all.size() : end + 1;
		}
		fake_os_reset();
		fake_os_make_files(find, this);
	}
	~MadeFiles() { fake_os_reset(); }

	static bool find(void *context, const char *path, const char **text, size_t *bytes)
	{
		const auto &texts = ((MadeFiles *)context)->texts;
		auto found = texts.find(path);

		if (found == texts.end())
			found = texts.find(
				std::string(path).substr(std::string(path).rfind('/') + 1));
		if (found == texts.end())
			return false;
		*text = found->second.data();
		*bytes = found->second.size();
		return true;
	}

	std::map<std::string, std::string> texts;
};

#endif
