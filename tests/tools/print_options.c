/* Prints the option table as the Markdown table of README.md, with the marks
 * between which it stands there. */
#include "config.h"

#include <stdio.h>

int main(void)
{
	puts("<!-- options:begin -->");
	puts("| variable | meaning | default |");
	puts("|---|---|---|");
	for (size_t i = 0; i < weir_config_option_count(); i++) {
		struct weir_option_help option = weir_config_option_help(i);

		printf("| `%s` | %s | `%s` |\n", option.name, option.help, option.default_text);
	}
	puts("<!-- options:end -->");
	return 0;
}
