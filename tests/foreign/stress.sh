#!/bin/sh
# stress-ng's stressors of memory, each by itself, with its checks of what it wrote. Prints one
# line for each: `result: ok NAME` or `result: failed NAME`. What they print goes to stderr.
#
#   stress.sh [NAME...]     all of the table below, or these
#
# A stressor ends after so many of its steps, or, on a machine that is busy, after three seconds.
set -u

stressors='
bad-altstack  20
bigheap       2000    --bigheap-growth 256K
brk           5000
fork          100     --fork-vm
madvise       60
malloc        20000   --malloc-bytes 32M --malloc-max 256 --malloc-pthreads 2 --malloc-touch
memcpy        20
memfd         10      --memfd-bytes 16M
memthrash     4
mincore       50
mlock         5
mmap          30      --mmap-bytes 16M --mmap-mprotect
mmapaddr      1000
mmapfixed     500
mmapfork      2
mmapmany      2
mremap        200     --mremap-bytes 16M
msync         50      --msync-bytes 4M
pthread       500
qsort         3
remap         20
shm           20      --shm-bytes 8M
shm-sysv      5       --shm-sysv-bytes 1M
stack         50
stackmmap     5
str           20
tsearch       3
vm            2000    --vm-bytes 32M
vm-addr       20
vm-rw         20      --vm-rw-bytes 8M
vm-segv       50
vm-splice     500
zlib          5
'

names=$*
printf '%s' "$stressors" | grep . | while read -r name steps options; do
	case " ${names:-$name} " in
	*" $name "*) ;;
	*) continue ;;
	esac
	result=ok
	# shellcheck disable=SC2086 # the options are words
	stress-ng --verify --timeout 3 "--$name" 1 "--$name-ops" "$steps" $options </dev/null >&2 ||
		result=failed
	echo "result: $result $name"
done
