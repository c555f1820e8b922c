package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"pneu/cmd/internal/boot"
	"pneu/maildir"
)

func completionVerb() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print what makes a shell complete commands of pneu", ArgsUsage: "bash|zsh|fish",
		Action: verb(completion),
	}
}

// completion prints the script of a shell. Scripts know nothing of pneu: they ask
// "pneu completion words -- WORD..." what the last word may become, which knows the verbs
// of this very binary, and the folders of the moment.
func completion(t *tool) error {
	t.printed++ // no word to complete is no failure
	switch shell := t.c.Args().First(); shell {
	case "bash", "zsh", "fish":
		t.out.WriteString(completionScripts[shell])
	case "words":
		for _, w := range t.complete(t.c.Args().Tail()) {
			fmt.Fprintf(t.out, "%s\t%s\n", w.text, w.about)
		}
	default:
		return boot.Usage("say which shell: bash, zsh or fish")
	}
	return nil
}

// A candidate is what a word may become. One that ends in a colon, a slash or an equals
// sign goes on: scripts put no blank behind it.
type candidate struct{ text, about string }

// complete returns what the last of the words behind "pneu" may become; none if it may be
// anything, such as the name of a file.
func (t *tool) complete(words []string) []candidate {
	if len(words) == 0 {
		words = []string{""}
	}
	before, cur := words[:len(words)-1], words[len(words)-1]
	t.elsewhere(before)
	cmds, at := t.c.App.Commands, 0
	var cmd *cli.Command
	for at < len(before) {
		next := find(cmds, before[at])
		if next == nil {
			break
		}
		cmd, cmds = next, next.Subcommands
		at++
	}
	before = before[at:]
	var all []candidate
	switch value, ok := valueOf(cmd, before, cur); {
	case cmd == nil && at == len(words)-1 && len(before) == 0:
		if all = verbNames(cmds); strings.HasPrefix(cur, "-") {
			all = plainWords("--help", "--version")
		}
	case cmd == nil:
		return nil
	case ok:
		prefix := ""
		if name, _, eq := strings.Cut(cur, "="); eq && strings.HasPrefix(cur, "--") {
			prefix = name + "="
		}
		for _, c := range t.values(cmd, value) {
			all = append(all, candidate{prefix + c.text, c.about})
		}
	case len(cmds) > 0 && len(before) == 0:
		all = append(verbNames(cmds), options(cmd, cur)...)
	default:
		all = t.arguments(cmd, positional(cmd, before), cur)
		if strings.HasPrefix(cur, "-") && !slices.Contains(before, "--") {
			all = append(options(cmd, cur), all...)
		}
	}
	var out []candidate
	for _, c := range all {
		if strings.HasPrefix(c.text, cur) {
			out = append(out, c)
		}
	}
	return out
}

// elsewhere has folders looked up in the Maildir that the words name.
func (t *tool) elsewhere(words []string) {
	for i, w := range words {
		dir, ok := strings.CutPrefix(w, "--maildir=")
		if !ok && i+1 < len(words) && (w == "-M" || w == "--maildir") {
			dir = words[i+1]
		}
		if rest, ok := strings.CutPrefix(dir, "~/"); ok { // the shell has not come to it yet
			if home, err := homeDir(); err == nil {
				dir = filepath.Join(home, rest)
			}
		}
		if dir == "" {
			continue
		}
		if s, err := maildir.Open(dir); err == nil {
			t.store = s
		}
	}
}

func verbNames(cmds []*cli.Command) []candidate {
	var out []candidate
	for _, c := range cmds {
		if !c.Hidden {
			out = append(out, candidate{c.Name, c.Usage})
		}
	}
	return out
}

// options are those of a verb, the short ones only if that is what was begun.
func options(cmd *cli.Command, cur string) []candidate {
	var out []candidate
	for _, f := range cmd.Flags {
		about := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		for _, n := range f.Names() {
			if len(n) > 1 {
				out = append(out, candidate{"--" + n, about})
			} else if !strings.HasPrefix(cur, "--") {
				out = append(out, candidate{"-" + n, about})
			}
		}
	}
	if strings.HasPrefix(cur, "-") {
		out = append(out, candidate{"--help", "print help on the verb"})
	}
	return out
}

// valueOf returns the option whose value the last word is.
func valueOf(cmd *cli.Command, before []string, cur string) (string, bool) {
	if cmd == nil || slices.Contains(before, "--") {
		return "", false
	}
	if name, _, eq := strings.Cut(cur, "="); eq && strings.HasPrefix(cur, "--") {
		if f := flagNamed(cmd, name[2:]); f != nil && takesValue(f) {
			return f.Names()[0], true
		}
		return "", false
	}
	if len(before) == 0 {
		return "", false
	}
	last := before[len(before)-1]
	if len(last) < 2 || last[0] != '-' {
		return "", false
	}
	if _, value := option(cmd, last); !value {
		return "", false
	}
	name := strings.TrimLeft(last, "-")
	if !strings.HasPrefix(last, "--") {
		name = name[len(name)-1:]
	}
	return flagNamed(cmd, name).Names()[0], true
}

// positional returns the words that are neither options nor values of such.
func positional(cmd *cli.Command, before []string) []string {
	var out []string
	for i := 0; i < len(before); i++ {
		if before[i] == "--" {
			return append(out, before[i+1:]...)
		}
		if len(before[i]) > 1 && before[i][0] == '-' {
			if _, value := option(cmd, before[i]); value {
				i++
			}
			continue
		}
		out = append(out, before[i])
	}
	return out
}

// values are those an option can have.
func (t *tool) values(cmd *cli.Command, option string) []candidate {
	switch option {
	case "color":
		return plainWords("auto", "always", "never")
	case "by":
		return plainWords(slices.Sorted(maps.Keys(statKeys))...)
	case "keep":
		return plainWords(slices.Sorted(maps.Keys(keepers))...)
	case "on":
		return plainWords(eventNames...)
	case "field":
		return append(plainWords(fieldNames...), candidate{"body", "the text"})
	case "sort":
		if cmd.Name == "stats" {
			return plainWords(slices.Sorted(maps.Keys(statOrders))...)
		}
	case "draft":
		return t.folderNames("")
	case "to":
		if cmd.Name == "archive" {
			return t.folderNames("")
		}
	case "state":
		return plainWords("queued", "deferred", "held", "active", "failed")
	case "add", "remove", "flag":
		return flagLetters("")
	case "keyword", "no-keyword":
		return plainWords(keywordNames...)
	}
	return nil
}

// arguments are what may stand at the place of the last word, behind others.
func (t *tool) arguments(cmd *cli.Command, before []string, cur string) []candidate {
	switch cmd.Name {
	case "ls", "folders", "watch", "mkdir", "deliver", "stat", "check", "rebuild", "export-dovecot": // the last ones of store
		return t.folderNames("")
	case "mv", "cp":
		if len(before) == 0 {
			return t.folderNames("")
		}
	case "import":
		if len(before) == 0 {
			return t.folderNames("")
		}
	case "search", "pick":
		return t.queryWords(cur)
	case "sort":
		return append(plainWords(slices.Sorted(maps.Keys(keys))...), candidate{"thread", ""})
	case "hdr":
		return plainWords(fieldNames...)
	case "flag":
		var out []candidate
		for _, sign := range []string{"+", "-"} {
			out = append(out, flagLetters(sign)...)
			for _, k := range keywordNames {
				out = append(out, candidate{sign + k, "keyword"})
			}
		}
		return out
	case "completion":
		if len(before) == 0 {
			return plainWords("bash", "zsh", "fish")
		}
	case "help":
		if len(before) == 0 {
			return append(verbNames(t.c.App.Commands), candidate{"json", "the fields of --json"})
		}
	}
	return nil
}

var (
	fieldNames   = []string{"from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "list-id", "received"}
	keywordNames = []string{"$Junk", "$NotJunk", "$Muted", "$Phishing", "$Forwarded", "$MDNSent"}
)

// queryPrefixes are the terms of a query, with examples of values.
var queryPrefixes = []struct {
	prefix, about string
	values        []string
}{
	{"from:", "sender", []string{"me"}}, {"to:", "recipient", []string{"me"}}, {"cc:", "copy to", []string{"me"}}, {"bcc:", "blind copy to", nil},
	{"replyto:", "where answers go", nil}, {"rcpt:", "to, cc or bcc", []string{"me"}}, {"any:", "any name or address", []string{"me"}},
	{"sender:", "field Sender", nil},
	{"subject:", "subject", nil}, {"body:", "text", nil}, {"text:", "names, subject, list or text", nil},
	{"list:", "mailing list", []string{"*"}}, {"id:", "Message-ID", nil}, {"header:", "any header field", nil},
	{"is:", "state", []string{"unread", "read", "new", "old", "flagged", "replied", "forwarded", "draft", "trashed", "muted", "junk", "phishing",
		"auto", "reply", "report", "urgent", "html", "flowed", "odd"}},
	{"has:", "what is in it", []string{"attachment", "patch", "list", "invite", "link", "signed", "encrypted", "danger", "unsubscribe", "keyword"}},
	{"flag:", "all of these flags", []string{"S", "F", "R", "T", "D", "P"}}, {"tag:", "keyword", append([]string{"*"}, keywordNames...)},
	{"attachment:", "name of a file", nil}, {"type:", "type of a part", []string{"application/pdf", "image/*", "text/html", "text/calendar"}},
	{"lang:", "language", []string{"de", "en", "fr"}},
	{"date:", "date it bears", []string{"today", "yesterday", "7d..", "30d..", "this_week", "last_month"}},
	{"received:", "when it came", []string{"today", "7d.."}}, {"saved:", "when it came into its folder", []string{"today", "7d.."}},
	{"older:", "before a time", []string{"90d", "1y"}}, {"newer:", "after a time", []string{"7d", "1m"}},
	{"size:", "size of the file", []string{">1M", "<10k"}}, {"in:", "folder", nil}, {"thread:", "conversation", nil},
}

// queryWords are the beginnings of terms, then their values.
func (t *tool) queryWords(cur string) []candidate {
	minus := ""
	if strings.HasPrefix(cur, "-") {
		minus = "-"
	}
	var out []candidate
	for _, p := range queryPrefixes {
		if !strings.HasPrefix(cur, minus+p.prefix) {
			out = append(out, candidate{minus + p.prefix, p.about})
			continue
		}
		for _, v := range p.values {
			out = append(out, candidate{minus + p.prefix + v, ""})
		}
		if p.prefix == "in:" {
			for _, f := range t.folderNames("") {
				// A blank would end the term, and quotes are no beginning of what was typed.
				name := strings.Map(func(r rune) rune {
					if strings.ContainsRune(` ()"`, r) {
						return '?'
					}
					return r
				}, f.text)
				out = append(out, candidate{minus + "in:" + name, f.about})
			}
		}
	}
	return out
}

func plainWords(words ...string) []candidate {
	var out []candidate
	for _, w := range words {
		out = append(out, candidate{w, ""})
	}
	return out
}

func flagLetters(sign string) []candidate {
	return []candidate{{sign + "S", "seen"}, {sign + "F", "flagged"}, {sign + "R", "replied"}, {sign + "T", "trashed"}, {sign + "D", "draft"}, {sign + "P", "passed on"}}
}

// folderNames are those of the Maildir in use; none where there is none.
func (t *tool) folderNames(prefix string) []candidate {
	s, err := t.tree()
	if err != nil {
		return nil
	}
	list, err := s.Folders()
	if err != nil {
		return nil
	}
	var out []candidate
	for _, f := range list {
		if strings.ContainsAny(f.Name(), "\t\n") {
			continue // shells read lines
		}
		out = append(out, candidate{prefix + f.Name(), "folder"})
	}
	return out
}

// completionScripts ask pneu itself: see completion. They are installed by scripts/install.
var completionScripts = map[string]string{
	"bash": `# bash completion for pneu: . <(pneu completion bash)
_pneu() {
    # Bash parts words at colons and equals signs; pneu does not.
    local rest=$COMP_LINE word words=() i cur line
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $rest != [[:space:]]* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        while [[ $rest == [[:space:]]* ]]; do rest=${rest:1}; done
        rest=${rest#"$word"}
    done
    local quote=
    case ${words[${#words[@]} - 1]} in
    \"*) quote=double ;;
    \'*) quote=single ;;
    esac
    for i in "${!words[@]}"; do
        words[i]=${words[i]//[\"\'\\]/}
    done
    cur=${words[${#words[@]} - 1]}
    local cut=
    case $cur in
    *[:=]*) [[ $quote ]] || cut=${cur%"${cur##*[:=]}"} ;;
    esac
    COMPREPLY=()
    while IFS= read -r line; do
        line=${line%%$'\t'*}
        case $line in
        *[:/=]) compopt -o nospace 2>/dev/null ;;
        esac
        line=${line#"$cut"}
        case $quote in
        double) line=${line//[\\]/\\\\} line=${line//[\"]/\\\"} line=${line//[$]/\\\$} ;;
        single) line=${line//\'/\'\\\'\'} ;;
        *) printf -v line %q "$line" ;;
        esac
        COMPREPLY+=("$line")
    done < <(command pneu completion words -- "${words[@]:1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _pneu pneu
`,
	"zsh": `#compdef pneu
# zsh completion for pneu: as _pneu in $fpath, or . <(pneu completion zsh)
_pneu() {
    local line word
    local -a ends goes endsAbout goesAbout given
    given=("${(@Q)words[2,CURRENT-1]}" "${(Q)words[CURRENT]#[\"\']}") # a quote may be open
    for line in "${(@f)$(command pneu completion words -- "${given[@]}" 2>/dev/null)}"; do
        word=${line%%$'\t'*}
        [[ -n $word ]] || continue
        if [[ $word == *[:/=] ]]; then
            goes+=("$word")
            goesAbout+=("$word  ${line#*$'\t'}")
        else
            ends+=("$word")
            endsAbout+=("$word  ${line#*$'\t'}")
        fi
    done
    if (( $#ends + $#goes == 0 )); then
        _files
        return
    fi
    (( $#ends )) && compadd -l -d endsAbout -a ends
    (( $#goes )) && compadd -l -S '' -d goesAbout -a goes
}
if [[ ${funcstack[1]} == _pneu ]]; then
    _pneu "$@"
else
    compdef _pneu pneu
fi
`,
	"fish": `# fish completion for pneu: pneu completion fish | source
function __pneu_complete
    set -l cur (commandline -ct | string replace -r '^["\']' '')
    set -l words (commandline -opc) (string unescape -- "$cur"; or echo -- "$cur")
    set -l found (command pneu completion words -- $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c pneu -f -a '(__pneu_complete)'
`,
}
