# Builds the fuzzers as programs of libFuzzer, by clang, and runs them. For GNU make, from
# `make fuzz` (Makefile.am), which says:
#
#   TREE      the source tree, or a copy of it
#   OUT       where to build
#   SOURCES   C files that the targets may need, relative to TREE
#   TARGETS   which ones
#   SECONDS_EACH   how long each runs

CLANG = clang
CLANGXX = clang++

ifeq ($(shell command -v $(CLANG)),)
$(error $(CLANG) is not there: install clang and libclang-rt-dev, as scripts/bootstrap test does, or say CLANG= and CLANGXX=)
endif

sanitizers = address,undefined
common = -g -O2 -D_GNU_SOURCE -DDYNAMIC_LINKER='"ld.so"' \
	-fsanitize=fuzzer-no-link,$(sanitizers) -fno-sanitize-recover=all -MMD -MP \
	-iquote $(TREE)/src/lib -iquote $(TREE)/src/cli -iquote $(TREE)/include \
	-iquote $(TREE)/tests/harness -iquote $(TREE)/tests/fuzz

shared = $(filter %.c,$(SOURCES)) tests/harness/fake_os.c tests/harness/interposed.c
objects = $(shared:%.c=$(OUT)/%.o) $(OUT)/tests/fuzz/libfuzzer.o
programs = $(TARGETS:%=$(OUT)/%_fuzz)

.PHONY: all run
.SECONDARY:
all: $(programs)

$(OUT)/%.o: $(TREE)/%.c
	@mkdir -p $(@D)
	@echo "  CLANG    $*.c"
	@$(CLANG) -std=gnu11 $(common) -fno-builtin -c $< -o $@

$(OUT)/%.o: $(TREE)/%.cc
	@mkdir -p $(@D)
	@echo "  CLANG    $*.cc"
	@$(CLANGXX) -std=c++17 $(common) -c $< -o $@

$(OUT)/%_fuzz: $(OUT)/tests/fuzz/%_fuzz.o $(objects)
	@$(CLANGXX) -fsanitize=fuzzer,$(sanitizers) $^ -lgtest -lpthread -o $@

# One after the other. What earlier runs kept in OUT/corpus is tried first; an input that finds
# something stays as OUT/TARGET-*, and the program runs it alone when it is named.
run: all
	@for target in $(TARGETS); do \
		mkdir -p $(OUT)/corpus/$$target; \
		echo "  FUZZ     $$target, $(SECONDS_EACH) s"; \
		LIBWEIR_FUZZ_SEEDS=$(OUT)/corpus/$$target $(OUT)/$${target}_fuzz \
			-max_total_time=$(SECONDS_EACH) -timeout=120 -rss_limit_mb=4096 \
			-max_len=2048 -artifact_prefix=$(OUT)/$$target- $(OUT)/corpus/$$target \
			>$(OUT)/$$target.log 2>&1 || { tail -n 40 $(OUT)/$$target.log; exit 1; }; \
		tail -n 1 $(OUT)/$$target.log; \
	done

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
