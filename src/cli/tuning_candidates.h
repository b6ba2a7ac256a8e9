/* Candidates of a search: made, measured in turn, judged. Of tuning.h's files alone. */
#ifndef WEIR_CLI_TUNING_CANDIDATES_H
#define WEIR_CLI_TUNING_CANDIDATES_H

#include "tuning.h"

/* Of each step, for the progress. */
#define TUNING_LIMITS 3	    /* halves of what a preset retained that are proposed at once */
#define TUNING_BISECTIONS 2 /* between the limit that was taken and the next one below */
#define TUNING_RANGES 3	    /* of classes that are proposed for a limit */

/* NULL where there is no room for more, or after a complaint. */
struct tuning_candidate *tuning_propose(struct tuning *tuning, const char *step,
					const struct tuning_settings *settings);

/* Measures contenders in turn, as samples from 0 on. False where the search must end. */
bool tuning_measure(struct tuning *tuning, struct contender *const *each, size_t count,
		    unsigned runs);

/* Measures the candidates from `first` on with the fastest and the best so far, and takes the
 * smallest that may be. */
bool tuning_take_best(struct tuning *tuning, size_t first);

/* Reads what the library reported of candidates from `first` on. */
void tuning_read_reports(struct tuning *tuning, size_t first);

/* The steps. Each proposes changes of the best, and takes what is better. */
bool tuning_try_limits(struct tuning *tuning);
bool tuning_try_decays(struct tuning *tuning);
bool tuning_try_classes(struct tuning *tuning);

#endif
