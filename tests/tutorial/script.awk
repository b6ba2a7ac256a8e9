# Makes the shell script of a document (see run), and scratch/LINE.shown of what it shows.

function quoted(text) {
	gsub(/'/, "'\\''", text)
	return "'" text "'"
}

# comment(KIND): what stands behind it in an HTML comment of this line, or nothing.
function comment(kind,    text) {
	text = $0
	if (index(text, "<!-- " kind ": ") != 1 || text !~ / -->$/)
		return ""
	sub(/^<!-- [a-z]*: /, "", text)
	sub(/ -->$/, "", text)
	return text
}

function begin_step(line, text) {
	print "step " line " " quoted(text)
}

function end_scope() {
	if (scoped)
		print "fi"
	scoped = 0
}

# The first line of a block names it.
fence == "sh" && $0 != "```" {
	if (!begun++) {
		label = $0
		begin_step(FNR, label)
		print "{"
	}
	print
	next
}
fence == "sh" {
	print "} >\"$scratch/out\" 2>&1"
	print "result ok " quoted(label)
	fence = ""
	next
}
fence == "text" && $0 == "```" {
	close(file)
	fence = ""
	print "shown " line " " quoted(how) " " quoted(label)
	how = ""
	next
}
fence == "text" {
	print >file
	next
}
fence != "" {
	if ($0 == "```")
		fence = ""
	next
}

/^```/ {
	fence = substr($0, 4)
	if (fence == "sh") {
		end_scope()
		if (condition != "") {
			print "if " condition "; then"
			scoped = 1
		}
		condition = ""
		begun = 0
	}
	if (fence == "text") {
		line = FNR
		file = scratch "/" line ".shown"
	}
	next
}

$0 == "<!-- among others -->" { how = "among others" }
comment("where") != "" { condition = comment("where") }
comment("run") != "" {
	begin_step(FNR, comment("run"))
	print "{ " comment("run") "; } >\"$scratch/out\" 2>&1"
	print "running=no"
}
comment("holds") != "" {
	begin_step(FNR, comment("holds"))
	print "if { " comment("holds") "; } >\"$scratch/held\" 2>&1; then result ok " quoted(comment("holds"))
	print "else result FAILED " quoted(comment("holds")) "; output; fi"
}

END {
	if (fence != "")
		print "echo 'a block has no end'; exit 1"
	end_scope()
}
