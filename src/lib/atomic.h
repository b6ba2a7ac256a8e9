/* Atomic operations on plain integers, with the memory order in the name.
 *
 * Plain fields and the compiler's builtins, not _Atomic, because the unit tests
 * include the headers from C++. Every operation here is lock-free on the
 * machines weir runs on, and so is safe in a signal handler. In a stress program that is
 * built with WEIR_PERTURB something may come between any two of them. */
#ifndef WEIR_ATOMIC_H
#define WEIR_ATOMIC_H

#ifdef WEIR_PERTURB
#define WEIR_ATOMIC(operation) (weir_perturb(), operation)
void weir_perturb(void); /* tests/stress/perturb.cc */
#else
#define WEIR_ATOMIC(operation) operation
#endif

#define weir_load_relaxed(p) WEIR_ATOMIC(__atomic_load_n((p), __ATOMIC_RELAXED))
#define weir_load_acquire(p) WEIR_ATOMIC(__atomic_load_n((p), __ATOMIC_ACQUIRE))
#define weir_load_seq_cst(p) WEIR_ATOMIC(__atomic_load_n((p), __ATOMIC_SEQ_CST))
#define weir_store_relaxed(p, v) WEIR_ATOMIC(__atomic_store_n((p), (v), __ATOMIC_RELAXED))
#define weir_store_release(p, v) WEIR_ATOMIC(__atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define weir_store_seq_cst(p, v) WEIR_ATOMIC(__atomic_store_n((p), (v), __ATOMIC_SEQ_CST))
#define weir_add_relaxed(p, v) WEIR_ATOMIC(__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define weir_add_acq_rel(p, v) WEIR_ATOMIC(__atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL))
#define weir_add_seq_cst(p, v) WEIR_ATOMIC(__atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST))
#define weir_or_relaxed(p, v) WEIR_ATOMIC(__atomic_fetch_or((p), (v), __ATOMIC_RELAXED))
#define weir_exchange_acq_rel(p, v) WEIR_ATOMIC(__atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL))

/* Compare-and-swap: true when *p was *expected and is now v; else *expected is
 * what was found there. The weak form may fail without a reason, for loops. */
#define weir_cas_weak_acq_rel(p, expected, v) \
	WEIR_ATOMIC(__atomic_compare_exchange_n((p), (expected), (v), true, __ATOMIC_ACQ_REL, \
						__ATOMIC_ACQUIRE))
#define weir_cas_weak_relaxed(p, expected, v) \
	WEIR_ATOMIC(__atomic_compare_exchange_n((p), (expected), (v), true, __ATOMIC_RELAXED, \
						__ATOMIC_RELAXED))
#define weir_cas_acq_rel(p, expected, v) \
	WEIR_ATOMIC(__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, \
						__ATOMIC_ACQUIRE))
#define weir_cas_seq_cst(p, expected, v) \
	WEIR_ATOMIC(__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, \
						__ATOMIC_SEQ_CST))

/* Raises *p to v where v is larger. */
#define weir_raise_relaxed(p, v) WEIR_RAISE(relaxed, p, v)
#define weir_raise_acq_rel(p, v) WEIR_RAISE(acq_rel, p, v)
#define WEIR_RAISE(order, p, v) \
	do { \
		__typeof__(*(p)) weir_seen_ = weir_load_relaxed(p); \
		while (weir_seen_ < (v) && !weir_cas_weak_##order((p), &weir_seen_, (v))) \
			; \
	} while (0)

#endif
