#include "top_order.h"

#include "print.h"

#include <string.h>

/* Orders. Figures descend, names ascend; the process id decides between equals, so that rows
 * stand still. */

static int order_of(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_pid(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static int or_by_pid(int order, const void *a, const void *b)
{
	return order != 0 ? order : by_pid(a, b);
}

static int by_retained(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;

	return or_by_pid(order_of(right->retained_bytes, left->retained_bytes), a, b);
}

static int by_live(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;

	return or_by_pid(order_of(right->live_bytes, left->live_bytes), a, b);
}

uint64_t top_row_hits_share(const struct top_row *row)
{
	return print_tenths(row->hits, row->requests);
}

static int by_hits(const void *a, const void *b)
{
	return or_by_pid(order_of(top_row_hits_share(b), top_row_hits_share(a)), a, b);
}

static int by_name(const void *a, const void *b)
{
	const struct top_row *left = a, *right = b;

	return or_by_pid(strcmp(left->program, right->program), a, b);
}

const struct top_order top_orders[] = {
	{ "retained", 't', by_retained }, { "live", 'l', by_live }, { "hits", 'h', by_hits },
	{ "pid", 'p', by_pid },		  { "name", 'n', by_name }, { NULL, 0, NULL },
};

const struct top_order *top_order_find(const char *name)
{
	for (const struct top_order *order = top_orders; order->name != NULL; order++)
		if (strcmp(order->name, name) == 0)
			return order;
	return NULL;
}

const struct top_order *top_order_of_key(int key)
{
	for (const struct top_order *order = top_orders; order->name != NULL; order++)
		if (order->key == key)
			return order;
	return NULL;
}
