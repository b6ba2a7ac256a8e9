/* Prints the table of metric families as the Markdown table of docs/METRICS.md, with the
 * marks between which it stands there. */
#include "metrics.h"

#include <stdio.h>

int main(void)
{
	puts("<!-- metrics:begin -->");
	puts("| metric | type | labels beside pid and program | meaning |");
	puts("|---|---|---|---|");
	for (size_t i = 0; i < weir_metrics_family_count(); i++) {
		char bytes[128];
		struct weir_text name;
		struct weir_metrics_help help;

		weir_text_init(&name, bytes, sizeof bytes);
		weir_metrics_describe(i, &name, &help);
		printf("| `%s` | %s | %s | %s |\n", help.name, help.type, help.labels, help.help);
	}
	puts("<!-- metrics:end -->");
	return 0;
}
