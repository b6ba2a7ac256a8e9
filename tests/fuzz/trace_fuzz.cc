/* Any trace, and the figures of it. The input is pieces, each two bytes of length and the bytes
 * with which a unit of 64 KiB begins; what is left over is a unit that is cut. */
#include "target.h"
#include "trace_writer.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
#include "profile_figures.h"
}

namespace
{

using fuzz::must;

std::string expanded(const uint8_t *data, size_t size)
{
	std::string bytes;

	while (size >= 2 && size - 2 >= (size_t)(data[0] | data[1] << 8)) {
		size_t length = data[0] | data[1] << 8;
		std::string unit((const char *)data + 2, length);

		unit.resize(WEIR_TRACE_UNIT_BYTES);
		bytes += unit;
		data += 2 + length;
		size -= 2 + length;
	}
	return bytes + std::string((const char *)data, size);
}

/* The input that makes these units, without the zeros that they end with. */
std::string compact(const std::string &bytes)
{
	std::string input;

	for (size_t at = 0; at < bytes.size(); at += WEIR_TRACE_UNIT_BYTES) {
		std::string unit = bytes.substr(at, WEIR_TRACE_UNIT_BYTES);

		unit.resize(unit.find_last_not_of('\0') + 1);
		input += (char)(unit.size() & 255);
		input += (char)(unit.size() >> 8);
		input += unit;
	}
	return input;
}

uint64_t read_all(trace *all, trace_step *last)
{
	trace_event event = {};
	uint64_t count = 0, ns = 0;

	for (; (*last = trace_next(all, &event)) == TRACE_EVENT; count++) {
		must(event.ns >= ns, "time does not go back");
		must(event.process < trace_process_count(all), "the process is there");
		must(event.call >= WEIR_TRACE_MALLOC && event.call < WEIR_TRACE_CALLS, "a call");
		must(event.thread > 0, "a thread");
		must(event.old_address == 0 || event.call >= WEIR_TRACE_REALLOC, "of a realloc");
		ns = event.ns;
	}
	return count;
}

void count_figures(trace *all)
{
	profile *counted = profile_begin(all, 8 << 20);
	const profile_figures *figures = profile_read(counted, all);

	if (figures != nullptr) {
		const profile_kept &kept = figures->kept;
		uint64_t blocks = 0, requests = 0, last = 0;

		for (const profile_life &life : figures->lives)
			blocks += life.blocks;
		for (const profile_size &size : figures->sizes)
			requests += size.requests;
		must(blocks <= figures->requests, "each block was asked for");
		must(requests == figures->requests, "each request has a size");
		must(figures->freed_foreign <= figures->freed, "of them");
		must(figures->moments.count <= PROFILE_MOMENTS, "they have room");
		for (uint64_t found : kept.found_bytes) {
			must(found >= last && found <= kept.asked_bytes, "more find more");
			last = found;
		}
	}
	profile_end(counted);
}

void run_trace(const uint8_t *data, size_t size)
{
	std::string bytes = expanded(data, size);
	int fd = memfd_create("trace", MFD_CLOEXEC);
	std::string path = "/proc/self/fd/" + std::to_string(fd);
	char problem[TRACE_PROBLEM_BYTES] = "";

	must(write(fd, bytes.data(), bytes.size()) == (ssize_t)bytes.size(), "it is written");
	trace *all = trace_open(path.c_str(), problem);

	must((all == nullptr) == (problem[0] != '\0'), "a problem is told");
	if (all != nullptr) {
		trace_step last, again;
		uint64_t count = read_all(all, &last);

		must(last == TRACE_END || trace_problem(all)[0] != '\0', "a problem is told");
		trace_rewind(all);
		must(read_all(all, &again) == count && again == last, "and the same again");
		trace_rewind(all);
		count_figures(all);
		must(trace_missing(all).killed <= trace_process_count(all), "of these");
	}
	trace_close(all);
	close(fd);
}

/* Without settings, so that the process is short. */
std::string seed(bool threads)
{
	TraceWriter writer;

	writer.process(7).unit(0, 71).malloc(10, 0x10000, 70000, 12).free(20, 0x10000);
	if (threads)
		writer.unit(5, 72).calloc(10, 0x20000, 80000).realloc(15, 0x20000, 0x30000, 90000);
	writer.passed(30, 100000).refused(40, 110000).free_touched(50, 0x30000, 4096);
	return compact(writer.bytes());
}

const fuzz::Target target = {
	"trace",
	run_trace,
	2000,
	300,
	{ seed(false), seed(true) },
	{ std::string("\x06\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16),
	  std::string("\x07\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24), "wr.Trac1",
	  "wr.Unit1" },
};

const fuzz::Registration registration(target);

} // namespace
