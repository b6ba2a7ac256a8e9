/* Replays a plan with the allocator that this process has, by threads of its own. */
#ifndef WEIR_CLI_REPLAY_RUN_H
#define WEIR_CLI_REPLAY_RUN_H

#include "replay_plan.h"

/* What of each block is written to, a byte a page, when it is handed out. Where the trace does not
 * know what was touched it was all. */
enum replay_touch { REPLAY_TOUCH_RECORDED, REPLAY_TOUCH_ALL, REPLAY_TOUCH_NONE };

struct replay_options {
	enum replay_touch touch;
	bool is_paced; /* calls wait for the time at which they were recorded */
};

/* From the first call to the last; of anonymous memory. */
struct replay_figures {
	uint64_t wall_ns;
	uint64_t user_ns;
	uint64_t system_ns;
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t peak_bytes;
	uint64_t final_bytes; /* resident, while what the trace left is still live, */
	uint64_t live_bytes;  /* which is so much */
	uint64_t failed;      /* calls that got no block */
};

/* False with errno where its threads or tables cannot be made. A plan is replayed once. */
bool replay_run(struct replay_plan *plan, const struct replay_options *options,
		struct replay_figures *figures);

#endif
