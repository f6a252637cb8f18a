# Shell assignments from meta_data.json: id, name, password, and the ssh keys, one a line.
{ text = text $0 " " }

END {
	read("", token())
	if (!("/hostname" in found)) found["/hostname"] = found["/name"]
	print "id=" quote(found["/uuid"])
	print "name=" quote(found["/hostname"])
	print "password=" quote(found["/admin_pass"])
	print "keys=" quote(keys)
}

function token(   t) {
	sub(/^[ \t\r,:]+/, "", text)
	if (!match(text, /^("([^"\\]|\\.)*"|[][{}]|[^][{},: \t\r"]+)/)) return ""
	t = substr(text, 1, RLENGTH)
	text = substr(text, RLENGTH + 1)
	return t
}

function read(path, t,   next_, n) { # the value that begins with t
	if (t == "{") {
		while ((next_ = token()) != "}" && next_ != "") read(path "/" string(next_), token())
	} else if (t == "[") {
		for (n = 0; (next_ = token()) != "]" && next_ != ""; n++) read(path "/" n, next_)
	} else if (t ~ /^"/) {
		found[path] = string(t)
		if (path ~ /^\/public_keys\//) keys = keys lines(found[path])
	}
}

function lines(s) { # whole ones
	gsub(/[\r\n]+$/, "", s)
	return s "\n"
}

function string(t,   out, at, c) { # without the quotes and escapes of JSON
	t = substr(t, 2, length(t) - 2)
	while ((at = index(t, "\\")) > 0) {
		out = out substr(t, 1, at - 1)
		c = substr(t, at + 1, 1)
		t = substr(t, at + 2)
		if (c == "u") {
			out = out utf8(hex(substr(t, 1, 4)))
			t = substr(t, 5)
		} else out = out (c == "n" ? "\n" : c == "t" ? "\t" : c == "r" ? "\r" : c)
	}
	return out t
}

function hex(digits,   n, i) {
	for (i = 1; i <= 4; i++) n = n * 16 + index("123456789abcdef", tolower(substr(digits, i, 1)))
	return n
}

function utf8(n) {
	if (n < 128) return sprintf("%c", n)
	if (n < 2048) return sprintf("%c%c", 192 + int(n / 64), 128 + n % 64)
	return sprintf("%c%c%c", 224 + int(n / 4096), 128 + int(n / 64) % 64, 128 + n % 64)
}

function quote(s) { # for the shell, whatever is in it
	gsub(/'/, "'\\''", s)
	return "'" s "'"
}
