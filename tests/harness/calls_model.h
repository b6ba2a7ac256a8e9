/* Random calls of the malloc family, and a model that knows what the program wrote.
 *
 * Choices say what comes next: a generator's numbers, or the bytes of a fuzzer. A Machine
 * is the family that is called and what may happen around it. The model holds after each
 * call: blocks are aligned as asked, as long as asked and overlap nothing; a block of calloc
 * is zero; every byte that was written is there, also after realloc; errno is kept by what
 * succeeds and ENOMEM after what does not; nothing fails without a reason. The first thing
 * that does not hold stands in `fault`, and nothing is done after it.
 *
 * Depends on the C++ library alone: it also runs inside preloaded programs. One thread. */
#ifndef CALLS_MODEL_H
#define CALLS_MODEL_H

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <random>
#include <string>

namespace calls
{

constexpr size_t KiB = 1024;
constexpr size_t MiB = 1024 * KiB;
constexpr size_t page_bytes = 4096;

/* What comes next. */
struct Choices {
	virtual ~Choices() = default;
	virtual bool ended() const { return false; }
	virtual size_t upto(size_t most) = 0;
	bool one_in(size_t n) { return upto(n - 1) == n - 1; }
};

struct RandomChoices : Choices {
	explicit RandomChoices(uint64_t seed) : random(seed) {}
	size_t upto(size_t most) override { return random() % (most + 1); }

	std::mt19937_64 random;
};

/* Zeroes after the end, which are calls that end soon. */
struct ByteChoices : Choices {
	ByteChoices(const uint8_t *from, size_t size) : next(from), end(from + size) {}
	bool ended() const override { return next == end; }
	size_t upto(size_t most) override
	{
		size_t value = 0;

		for (size_t left = most; left > 0; left >>= 8)
			value = value << 8 | (next == end ? 0 : *next++);
		return value % (most + 1);
	}

	const uint8_t *next, *end;
};

/* The functions of the C library, or of what stands in for it. */
struct Family {
	void *(*malloc)(size_t bytes);
	void (*free)(void *address);
	void *(*calloc)(size_t count, size_t bytes);
	void *(*realloc)(void *address, size_t bytes);
	void *(*reallocarray)(void *address, size_t count, size_t bytes);
	int (*posix_memalign)(void **block, size_t align, size_t bytes);
	void *(*aligned_alloc)(size_t align, size_t bytes);
	void *(*memalign)(size_t align, size_t bytes);
	void *(*valloc)(size_t bytes);
	void *(*pvalloc)(size_t bytes);
	size_t (*malloc_usable_size)(void *address);
	int (*malloc_trim)(size_t pad);
};

struct Block {
	char *address = nullptr;
	size_t bytes = 0;
	size_t written = 0;	  /* from the begin */
	uint64_t seed = 0;	  /* of those */
	bool zero_beyond = false; /* the rest is calloc's */
};

struct Model;

struct Machine {
	explicit Machine(const Family &functions) : family(functions) {}
	virtual ~Machine() = default;

	/* Whether weir answers, so that more is promised than the C library does. */
	virtual bool is_large(size_t bytes) const = 0;
	/* Whether a request may get ENOMEM; whether a new one must. */
	virtual bool may_refuse(const Model &, size_t) const { return false; }
	virtual bool must_refuse(size_t) const { return false; }
	/* Something that the program does not do: a release, a limit, a clock. */
	virtual void act(Choices &) = 0;
	/* What does not hold beside the program's data; empty for nothing. */
	virtual std::string fault(const Model &) { return ""; }
	/* Whether freeing this stops the program. */
	virtual bool dies_of_free(void *) { return true; }
	/* Gives a block to another thread for one of its own, or for none. */
	virtual void exchange(Block *) {}

	const Family &family;
};

/* Contents: 8 bytes at a time, because this is most of what a test does. */

#ifdef __clang__
#define CALLS_PLAIN_CODE __attribute__((no_sanitize("address", "undefined", "coverage")))
#else
#define CALLS_PLAIN_CODE __attribute__((no_sanitize("address"), no_sanitize("undefined")))
#endif

CALLS_PLAIN_CODE inline uint64_t word_at(uint64_t seed, size_t at)
{
	return seed + at * 0x9e3779b97f4a7c15;
}

CALLS_PLAIN_CODE inline void fill_words(char *block, size_t bytes, uint64_t seed)
{
	size_t at = 0;
	uint64_t word;

	for (; at + sizeof word <= bytes; at += sizeof word)
		*(uint64_t *)(void *)(block + at) = word_at(seed, at);
	word = word_at(seed, at);
	for (size_t i = 0; at + i < bytes; i++)
		block[at + i] = (char)(word >> 8 * i);
}

/* How many bytes from the begin are as written. */
CALLS_PLAIN_CODE inline size_t count_filled(const char *block, size_t bytes, uint64_t seed)
{
	size_t at = 0;

	for (; at + sizeof seed <= bytes; at += sizeof seed)
		if (*(const uint64_t *)(const void *)(block + at) != word_at(seed, at))
			return at;
	for (size_t i = 0; at + i < bytes; i++)
		if (block[at + i] != (char)(word_at(seed, at) >> 8 * i))
			return at + i;
	return bytes;
}

CALLS_PLAIN_CODE inline size_t count_zeroes(const char *block, size_t bytes)
{
	size_t at = 0;

	for (; at < bytes && (uintptr_t)(block + at) % sizeof(uint64_t) != 0; at++)
		if (block[at] != 0)
			return at;
	for (; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t))
		if (*(const uint64_t *)(const void *)(block + at) != 0)
			return at;
	for (; at < bytes; at++)
		if (block[at] != 0)
			return at;
	return bytes;
}

struct Model {
	Model(Machine *called, Choices *chosen, size_t most_blocks = 40)
	    : machine(called), choices(chosen), most(most_blocks)
	{
	}

	/* What holds */

	bool check(bool holds, const char *what, const Block &block)
	{
		if (!holds && fault.empty()) {
			char text[160];

			snprintf(text, sizeof text, "%s: block %p of %zu bytes, %zu written", what,
				 (void *)block.address, block.bytes, block.written);
			fault = text;
		}
		return holds;
	}

	void check_content(const Block &block)
	{
		check(count_filled(block.address, block.written, block.seed) == block.written,
		      "a byte is not the program's", block);
		if (block.zero_beyond)
			check(count_zeroes(block.address + block.written,
					   block.bytes - block.written) ==
				      block.bytes - block.written,
			      "a byte of calloc is not zero", block);
	}

	void check_contents()
	{
		for (const auto &each : owned)
			check_content(each.second);
	}

	void check_place(const Block &block, size_t align)
	{
		auto after = owned.lower_bound(block.address);

		check((uintptr_t)block.address % align == 0, "not aligned", block);
		check(after == owned.end() || block.address + block.bytes <= after->first,
		      "overlaps the next block", block);
		if (after == owned.begin())
			return;
		--after;
		check(after->first + after->second.bytes <= block.address,
		      "overlaps the block before", block);
	}

	/* False where there is none, which must have a reason. */
	bool check_answer(const Block &block)
	{
		int error = errno;

		if (block.address)
			return check(error == kept_errno || !machine->is_large(block.bytes),
				     "errno is not kept", block);
		check(error == ENOMEM, "a failure without ENOMEM", block);
		check(machine->may_refuse(*this, block.bytes), "a failure without a reason", block);
		return false;
	}

	bool check_new(const Block &block)
	{
		return check_answer(block) &&
		       check(!machine->must_refuse(block.bytes), "beyond a limit", block);
	}

	/* Calls */

	static constexpr int kept_errno = 77;

	/* Small ones; ends of classes; long ones; beyond WEIR_MAX; most are odd ones of small
	 * strides, which take little time. */
	size_t any_size()
	{
		size_t kind = choices->upto(31);

		if (kind < 3)
			return choices->upto(64 * KiB);
		if (kind < 9)
			return end_of_class();
		if (kind < 11)
			return 64 * KiB + choices->upto(6 * MiB);
		if (kind < 12)
			return 8 * MiB + choices->upto(2 * MiB);
		return 64 * KiB + choices->upto(200 * KiB);
	}

	size_t end_of_class()
	{
		static const int deltas[] = {
			0, 1, -1, 128, -128, 4096, -4096, -3968, -3969, -3967
		};
		size_t shift = choices->one_in(4) ? choices->upto(6) : choices->upto(2);
		size_t end = (64 * KiB << shift) / 8 * (5 + choices->upto(3));

		return end + (size_t)(ptrdiff_t)deltas[choices->upto(9)];
	}

	size_t any_align() { return (size_t)1 << choices->upto(21); }

	/* All of it, a part, or nothing; of long ones most often a part. */
	void write(Block *block)
	{
		size_t how = choices->upto(7), before = block->written;
		bool in_part = how == 1 || (how > 2 && block->bytes > MiB);

		if (how == 0)
			return;
		block->written = in_part ? choices->upto(block->bytes) : block->bytes;
		if (in_part && how > 3 && block->written > 128 * KiB)
			block->written %= 128 * KiB;
		block->zero_beyond &= block->written >= before;
		block->seed = (uint64_t)++writes << 8;
		fill_words(block->address, block->written, block->seed);
	}

	void own(Block block, size_t align)
	{
		check_place(block, align);
		if (!fault.empty())
			return;
		write(&block);
		owned[block.address] = block;
	}

	void take(bool clean)
	{
		Block block;
		size_t count = 1;

		block.bytes = any_size();
		block.zero_beyond = clean;
		if (clean && choices->one_in(4))
			count = 1 + choices->upto(15);
		block.bytes = block.bytes / count * count;
		errno = kept_errno;
		block.address = (char *)(clean ? machine->family.calloc(count, block.bytes / count)
					       : machine->family.malloc(block.bytes));
		if (!check_new(block))
			return;
		if (clean && choices->one_in(2)) /* else when it is read back, or not at all */
			check_content(block);
		own(block, alignof(max_align_t));
	}

	void take_aligned()
	{
		size_t align = any_align();
		void *found = nullptr;
		Block block;
		int error = 0;

		block.bytes = any_size();
		errno = kept_errno;
		switch (choices->upto(4)) {
		case 0:
			found = machine->family.aligned_alloc(align, block.bytes);
			break;
		case 1:
			found = machine->family.memalign(align, block.bytes);
			break;
		case 2:
			align = page_bytes;
			found = machine->family.valloc(block.bytes);
			break;
		case 3:
			align = page_bytes;
			found = machine->family.pvalloc(block.bytes);
			break;
		default:
			align = align < sizeof(void *) ? sizeof(void *) : align;
			error = machine->family.posix_memalign(&found, align, block.bytes);
			if (error != 0)
				errno = error;
		}
		block.address = (char *)found;
		if (check_new(block))
			own(block, align);
	}

	std::map<char *, Block>::iterator any_block()
	{
		auto found = owned.begin();

		std::advance(found, choices->upto(owned.size() - 1));
		return found;
	}

	void free_block(Block block)
	{
		check_content(block);
		owned.erase(block.address);
		errno = kept_errno;
		machine->family.free(block.address);
		check(errno == kept_errno, "free changes errno", block);
	}

	/* Then once more, or from the middle: what must stop a program. */
	void misuse()
	{
		Block block = any_block()->second;

		if (!machine->is_large(block.bytes))
			return;
		if (choices->one_in(2)) {
			size_t at = 16 * (1 + choices->upto(block.bytes / 16 - 1));

			check(machine->dies_of_free(block.address + at),
			      "a free of the middle goes through", block);
			return;
		}
		free_block(block);
		check(machine->dies_of_free(block.address), "a double free goes through", block);
	}

	/* To nothing, where it is, or elsewhere; what does not fit leaves it alone. */
	/* Often by half, as buffers grow: what is long is moved then. */
	size_t size_after(size_t bytes)
	{
		switch (choices->upto(19)) {
		case 0:
			return 0;
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
		case 6:
			return bytes < 8 * MiB ? bytes + bytes / 2 + choices->upto(64 * KiB)
					       : bytes / 2;
		default:
			return any_size();
		}
	}

	void resize()
	{
		Block before = any_block()->second, after = before;
		size_t bytes = size_after(before.bytes);

		after.bytes = bytes;
		errno = kept_errno;
		after.address =
			(char *)(choices->one_in(8)
					 ? machine->family.reallocarray(before.address, bytes, 1)
					 : machine->family.realloc(before.address, bytes));
		if (bytes == 0) {
			check(!after.address, "a realloc to nothing returns something", before);
			owned.erase(before.address);
			return;
		}
		if (!check_answer(after)) {
			check_content(before);
			return;
		}
		owned.erase(before.address);
		after.written = before.written < bytes ? before.written : bytes;
		if (before.zero_beyond && bytes > before.bytes) { /* the rest is anything */
			after.bytes = before.bytes;
			check_content(after);
			after.bytes = bytes;
			after.zero_beyond = false;
		}
		check_content(after);
		own(after, alignof(max_align_t));
	}

	/* A program may use all of it. */
	void use_all()
	{
		Block block = any_block()->second;
		size_t bytes = machine->family.malloc_usable_size(block.address);

		if (!check(bytes >= block.bytes, "a usable size below the request", block))
			return;
		block.zero_beyond &= bytes == block.bytes;
		block.bytes = bytes;
		owned.erase(block.address); /* so that it does not overlap itself */
		own(block, 1);
	}

	/* Products beyond any address. */
	void overflow()
	{
		size_t count = SIZE_MAX / 2 + choices->upto(3);
		Block none;

		errno = kept_errno;
		none.address = (char *)machine->family.calloc(count, 2 + choices->upto(2));
		if (!none.address && choices->one_in(2)) {
			errno = kept_errno;
			none.address =
				(char *)machine->family.malloc(SIZE_MAX - choices->upto(64 * KiB));
		}
		check(!none.address && errno == ENOMEM, "an impossible request", none);
	}

	void exchange()
	{
		Block block = any_block()->second;

		owned.erase(block.address);
		machine->exchange(&block);
		if (!block.address)
			return;
		check_content(block);
		owned[block.address] = block;
	}

	void step()
	{
		size_t kind = choices->upto(99);

		if (kind < 12) {
			machine->act(*choices);
		} else if (kind < 14) {
			overflow();
		} else if (owned.size() >= most) {
			free_block(any_block()->second);
		} else if (owned.empty() || kind < 40) {
			take(false);
		} else if (kind < 50) {
			take(true);
		} else if (kind < 55) {
			take_aligned();
		} else if (kind < 77) {
			free_block(any_block()->second);
		} else if (kind < 93) {
			resize();
		} else if (kind < 95) {
			use_all();
		} else if (kind < 96) {
			misuse();
		} else if (kind < 98) {
			exchange();
		} else {
			check_content(any_block()->second);
		}
		if (fault.empty())
			fault = machine->fault(*this);
	}

	/* At most so many steps; false once something does not hold. */
	bool run(size_t steps)
	{
		for (size_t i = 0; i < steps && !choices->ended() && fault.empty(); i++)
			step();
		if (fault.empty())
			check_contents();
		return fault.empty();
	}

	bool free_all()
	{
		while (!owned.empty() && fault.empty())
			free_block(Block(owned.begin()->second));
		return fault.empty();
	}

	Machine *machine;
	Choices *choices;
	size_t most;
	size_t writes = 0;
	std::map<char *, Block> owned;
	std::string fault;
};

} // namespace calls

#endif
