#include "callers.h"

#include "glibc.h"

#include <string.h>

#if defined(HAVE_EXECINFO_H) && defined(HAVE_BACKTRACE)
#include <execinfo.h>

/* The library's own frames, at most, that stand before the caller. */
#define OWN_FRAMES 8
#define FRAMES_MAX 24

unsigned weir_callers(void **stack, unsigned most, void *caller)
{
	void *found[OWN_FRAMES + FRAMES_MAX];
	unsigned wanted = OWN_FRAMES + (unsigned)weir_min(most, (unsigned)FRAMES_MAX);
	unsigned count = (unsigned)backtrace(found, (int)wanted), at = 0, taken = 0;

	while (at < count && found[at] != caller)
		at++;
	if (at < count)
		for (; at < count && taken < most; at++)
			stack[taken++] = found[at];
	else if (most > 0)
		stack[taken++] = caller;
	return taken;
}

#else

unsigned weir_callers(void **stack, unsigned most, void *caller)
{
	if (most == 0)
		return 0;
	stack[0] = caller;
	return 1;
}

#endif

/* Names of C++ may be as long as they like. */
#define NAME_BYTES_MAX 256

static void put_name(struct weir_text *text, const char *name)
{
	weir_text_bytes(text, name, strnlen(name, NAME_BYTES_MAX));
}

static void put_offset(struct weir_text *text, const void *address, const void *base)
{
	weir_text_char(text, '+');
	weir_text_hex(text, (uintptr_t)address - (uintptr_t)base);
}

/* What is looked up is the call, before the return address: a call that ends a function
 * returns to the next one. */
void weir_callers_name(struct weir_text *text, const void *address)
{
	const char *slash;
	Dl_info info;

	if (!weir_is_there(dladdr) || !dladdr((const char *)address - 1, &info) ||
	    !info.dli_fname) {
		weir_text_hex(text, (uintptr_t)address);
		return;
	}
	slash = strrchr(info.dli_fname, '/');
	put_name(text, slash ? slash + 1 : info.dli_fname);
	put_offset(text, address, info.dli_fbase);
	if (!info.dli_sname)
		return;
	weir_text_string(text, " (");
	put_name(text, info.dli_sname);
	put_offset(text, address, info.dli_saddr);
	weir_text_char(text, ')');
}
