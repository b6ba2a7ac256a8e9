/* A trace that a test made up, opened from a file that is gone at once. */
#ifndef WEIR_TESTS_OPENED_TRACE_H
#define WEIR_TESTS_OPENED_TRACE_H

#include "trace_writer.h"

#include <gtest/gtest.h>

#include <unistd.h>

extern "C" {
#include "trace_reader.h"
}

class OpenedTrace
{
public:
	explicit OpenedTrace(TraceWriter &writer)
	{
		char path[] = "/tmp/weir-trace-XXXXXX", problem[TRACE_PROBLEM_BYTES] = "";
		int fd = mkstemp(path);

		EXPECT_LE(0, fd);
		EXPECT_TRUE(writer.write(path));
		trace_ = trace_open(path, problem);
		EXPECT_NE(nullptr, trace_) << problem;
		unlink(path);
		close(fd);
	}
	~OpenedTrace() { trace_close(trace_); }
	OpenedTrace(const OpenedTrace &) = delete;
	OpenedTrace &operator=(const OpenedTrace &) = delete;
	struct trace *get() const { return trace_; }

private:
	struct trace *trace_;
};

#endif
