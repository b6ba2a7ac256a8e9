/* Traces of large requests (src/lib/trace.h) that tests make up: the bytes of a file, unit by
 * unit. What is put goes into the last unit, and times are since the trace's start. */
#ifndef WEIR_TESTS_TRACE_WRITER_H
#define WEIR_TESTS_TRACE_WRITER_H

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "trace.h"
}

class TraceWriter
{
public:
	static constexpr uint64_t start_ns = 1000000000;

	/* One that began with the trace and ended by exit; to be changed by header(). */
	TraceWriter &process(int pid, const char *program = "program")
	{
		weir_trace_process made = {};

		made.magic = WEIR_TRACE_PROCESS_MAGIC;
		made.version = WEIR_TRACE_VERSION;
		made.process_bytes = sizeof made;
		made.state = WEIR_TRACE_ENDED;
		made.pid = pid;
		made.page_bytes = 4096;
		made.min_bytes = 64 * 1024;
		made.start_ns = start_ns;
		made.end_ns = start_ns + 1000000000;
		snprintf(made.program, sizeof made.program, "%s", program);
		begin();
		header_at_ = at_;
		copy(&made, sizeof made);
		return *this;
	}

	/* Of the last process; invalid once more was put. */
	weir_trace_process &header() { return *(weir_trace_process *)&bytes_[header_at_]; }

	TraceWriter &unit(uint64_t ns, int thread)
	{
		weir_trace_unit made = { WEIR_TRACE_UNIT_MAGIC, start_ns + ns };

		begin();
		copy(&made, sizeof made);
		base_ns_ = ns;
		return words({ weir_trace_first(WEIR_TRACE_THREAD, 0, 0), (uint64_t)thread });
	}

	/* Room that was made, and not written to. */
	TraceWriter &empty_unit()
	{
		begin();
		return *this;
	}

	TraceWriter &malloc(uint64_t ns, uint64_t address, uint64_t bytes, unsigned align_log2 = 0)
	{
		return words({ first(WEIR_TRACE_MALLOC, ns, align_log2), address, bytes });
	}

	TraceWriter &calloc(uint64_t ns, uint64_t address, uint64_t bytes)
	{
		return words({ first(WEIR_TRACE_CALLOC, ns), address, bytes });
	}

	TraceWriter &realloc(uint64_t ns, uint64_t from, uint64_t to, uint64_t bytes)
	{
		return begin_realloc(ns, from).end_realloc(ns, to, bytes);
	}

	TraceWriter &begin_realloc(uint64_t ns, uint64_t address)
	{
		return words({ first(WEIR_TRACE_REALLOC_BEGIN, ns), address });
	}

	TraceWriter &end_realloc(uint64_t ns, uint64_t address, uint64_t bytes)
	{
		return words({ first(WEIR_TRACE_REALLOC, ns), address, bytes });
	}

	TraceWriter &free(uint64_t ns, uint64_t address)
	{
		return words({ first(WEIR_TRACE_FREE, ns), address });
	}

	TraceWriter &free_touched(uint64_t ns, uint64_t address, uint64_t touched)
	{
		return words({ first(WEIR_TRACE_FREE_TOUCHED, ns), address, touched });
	}

	TraceWriter &passed(uint64_t ns, uint64_t bytes)
	{
		return words({ first(WEIR_TRACE_PASSED, ns), bytes });
	}

	TraceWriter &refused(uint64_t ns, uint64_t bytes)
	{
		return words({ first(WEIR_TRACE_REFUSED, ns), bytes });
	}

	/* Any words, into the last unit as far as it has room. */
	TraceWriter &words(const std::vector<uint64_t> &all)
	{
		copy(all.data(), all.size() * sizeof all[0]);
		return *this;
	}

	bool has_room(size_t count = WEIR_TRACE_WORDS_MAX) const
	{
		return at_ + count * sizeof(uint64_t) <= bytes_.size();
	}

	std::string &bytes() { return bytes_; }
	/* Of the file: where the next word will be. */
	size_t at() const { return at_; }

	/* False where the file cannot be written. */
	bool write(const std::string &path) const
	{
		FILE *to = fopen(path.c_str(), "we");
		bool done = to && fwrite(bytes_.data(), 1, bytes_.size(), to) == bytes_.size();

		return to && fclose(to) == 0 && done;
	}

private:
	uint64_t first(weir_trace_call call, uint64_t ns, unsigned align_log2 = 0) const
	{
		return weir_trace_first(call, align_log2, ns - base_ns_);
	}

	void begin()
	{
		at_ = bytes_.size();
		bytes_.resize(bytes_.size() + WEIR_TRACE_UNIT_BYTES);
	}

	void copy(const void *from, size_t count)
	{
		size_t room = bytes_.size() - at_;

		count = count < room ? count : room;
		memcpy(&bytes_[at_], from, count);
		at_ += count;
	}

	std::string bytes_;
	size_t at_ = 0, header_at_ = 0;
	uint64_t base_ns_ = 0;
};

#endif
