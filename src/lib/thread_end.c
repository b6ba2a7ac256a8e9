#include "thread_end.h"

#include "glibc.h"
#include "places.h"
#include "record.h"

static pthread_key_t key; /* set in threads that have something to leave */

static void leave(void *set)
{
	(void)set;
	weir_places_leave();
	weir_record_leave();
}

static void claimed(void)
{
	pthread_setspecific(key, &key);
}

/* Without a key, what threads had at hand goes back at the next release, and a unit of a trace
 * that is not full stays so. */
void weir_thread_end_prepare(void)
{
	if (!weir_is_there(pthread_key_create) || pthread_key_create(&key, leave) != 0)
		return;
	weir_places.claimed = claimed;
	weir_record_claimed = claimed;
}
