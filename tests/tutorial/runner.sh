#!/bin/sh
# The runner of documents finds what is wrong in one, and does not find what is not.
. "$LIBWEIR_SRCDIR/tests/checks/check.sh"

# ran DOCUMENT: what the runner says of the text on stdin.
ran() {
	cat >"$scratch/document.md"
	"$source_dir/tests/tutorial/run" "$scratch/document.md" >"$scratch/said" 2>&1
}

# passes NAME: the document on stdin does.
passes() {
	{ ran || cat "$scratch/said"; } | rule "passes: $1"
}

# fails NAME WORDS: the document on stdin does, and these words say why.
fails() {
	if ran; then
		echo 'it passed'
	else
		grep -q -e "^FAILED: .*$2" "$scratch/said" || cat "$scratch/said"
	fi | rule "fails: $1"
}

passes 'blocks in one shell, figures that differ' <<'END'
```sh
greeting='took 2.5 ms of 3 MiB'
```

```sh
echo "$greeting"
printf 'a  b\nc\nd\n'
```

```text
took 917 us of 14.5 KiB
a b
...
d
```

<!-- holds: [ "$greeting" ] -->
END

passes 'what others print between, where it may' <<'END'
```sh
printf 'one\nother\ntwo\n'
```

<!-- among others -->
```text
one
two
```
END

passes 'a block for another place' <<'END'
<!-- where: found no-such-program -->
```sh
no-such-program
```

```text
its output
```

<!-- holds: false -->
END

fails 'a command that fails' 'document.md:4: true' <<'END'
Words.

```sh
true
ls /no/such/directory
```
END

fails 'a line that did not come' 'document.md:5: echo five shows' <<'END'
```sh
echo five
```

```text
five
six
```
END

fails 'a line that is not shown' 'document.md:5: printf' <<'END'
```sh
printf '5\nsix\n'
```

```text
5
```
END

# shellcheck disable=SC2016 # as the document has it
fails 'a condition that does not hold' 'document.md:5: \[ "$value" -gt 8 \]' <<'END'
```sh
value=7
```

<!-- holds: [ "$value" -gt 8 ] -->
END

fails 'a hidden command that fails' 'document.md:1: false' <<'END'
<!-- run: false -->
```sh
true
```
END

fails 'a mistake of the shell where it is not run' 'can be parsed' <<'END'
<!-- where: found no-such-program -->
```sh
if true
```
END

fails 'a variable that nobody set' 'document.md:2: echo' <<'END'
```sh
echo $PROCESS
```
END

# The last process of a document is ended with it.
{
	ran <<'END'
```sh
sleep 1000 &
```

<!-- run: echo $! >&9 -->
END
	pid=$(grep -x '[0-9]*' "$scratch/said")
	[ -n "$pid" ] || cat "$scratch/said"
	kill -0 "${pid:-0}" 2>/dev/null && echo "$pid goes on"
} | rule 'ends what a document has started'

finish
