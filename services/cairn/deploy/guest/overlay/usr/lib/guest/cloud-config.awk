# A shell script that does what a #cloud-config says, as far as a small guest goes:
# hostname, fqdn, ssh_authorized_keys, write_files (path, content, permissions, append), runcmd.
# YAML is understood as people write it here: block lists and maps, | blocks, one-line [lists].

BEGIN { instance = "/usr/lib/guest/instance" }

block { # lines of a | block, until one is not indented deeper than its key
	if ($0 ~ /^[ \t]*$/ || indent($0) > outer) {
		if (strip < 0) strip = indent($0)
		held = held substr($0, strip + 1) "\n"
		next
	}
	end_block()
}

/^[ \t]*(#|$)/ { next }

/^[A-Za-z_]+:/ {
	end_item()
	top = key($0)
	if (top == "hostname" || top == "fqdn") early = early instance " name " quote(scalar(value($0))) "\n"
	next
}

/^ *- / {
	end_item()
	rest = $0
	sub(/^ *- */, "", rest)
	if (top == "runcmd") {
		if (rest ~ /^\|/) begin_block("command", indent($0))
		else late = late (rest ~ /^\[/ ? words(rest) : scalar(rest)) "\n"
	} else if (top == "ssh_authorized_keys") early = early instance " key " quote(scalar(rest)) "\n"
	else if (top == "write_files") entry(rest, indent($0) + 2)
	next
}

top == "write_files" { entry($0, indent($0)) }

END {
	if (block) end_block()
	end_item()
	print "#!/bin/sh"
	printf "%s%s", early, late
}

function indent(line) {
	match(line, /^ */)
	return RLENGTH
}

function key(line) {
	sub(/^ */, "", line)
	return substr(line, 1, index(line, ":") - 1)
}

function value(line) { return substr(line, index(line, ":") + 1) }

function entry(line, depth) { # of the map of one file
	if (value(line) ~ /^ *\|/) begin_block(key(line), depth)
	else file[key(line)] = scalar(value(line))
}

function begin_block(name, depth) {
	block = name
	outer = depth
	strip = -1
	held = ""
}

function end_block() {
	if (block == "command") late = late held
	else file[block] = held
	block = ""
}

function end_item(   path, name) { # the file that the lines before described
	if ("path" in file) {
		path = quote(file["path"])
		early = early "mkdir -p \"$(dirname " path ")\"\n"
		early = early "printf %s " quote(file["content"]) (file["append"] == "true" ? " >>" : " >") path "\n"
		if ("permissions" in file) early = early "chmod " quote(file["permissions"]) " " path "\n"
	}
	for (name in file) delete file[name]
}

function scalar(s) {
	sub(/^ */, "", s)
	sub(/[ \r]*$/, "", s)
	if (match(s, /^"([^"\\]|\\.)*"/)) {
		s = substr(s, 2, RLENGTH - 2)
		gsub(/\\n/, "\n", s)
		gsub(/\\"/, "\"", s)
	} else if (match(s, /^'([^']|'')*'/)) {
		s = substr(s, 2, RLENGTH - 2)
		gsub(/''/, "'", s)
	} else sub(/ +#.*$/, "", s)
	return s
}

function words(list,   out, part) { # [a, "b, c"]: a command and its arguments
	gsub(/^\[ *| *\] *$/, "", list)
	while (match(list, /^("([^"\\]|\\.)*"|'[^']*'|[^,]*)/)) {
		part = substr(list, 1, RLENGTH)
		list = substr(list, RLENGTH + 1)
		out = out quote(scalar(part)) " "
		if (!sub(/^ *, */, "", list)) break
	}
	return out
}

function quote(s) { # for the shell, whatever is in it
	gsub(/'/, "'\\''", s)
	return "'" s "'"
}
