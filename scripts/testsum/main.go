// Testsum reads what "go test -json" prints, shows the output of what failed,
// and writes "PASSED FAILED SKIPPED" to the file it is given. A package that
// fails without a failing test (it does not build, it was killed) counts as
// one failure.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, ImportPath, Test, Output string
	FailedBuild                               string
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: testsum FILE")
		os.Exit(64)
	}
	var passed, failed, skipped int
	output := map[string][]string{}
	failedIn := map[string]int{}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadString('\n')
		var ev event
		if json.Unmarshal([]byte(line), &ev) != nil {
			if line != "" {
				fmt.Print(line)
			}
		} else {
			key := ev.Package + ev.ImportPath + " " + ev.Test
			switch ev.Action {
			case "output", "build-output":
				output[key] = append(output[key], ev.Output)
			case "pass":
				if ev.Test != "" {
					passed++
				} else {
					fmt.Printf("ok    %s\n", ev.Package)
				}
				delete(output, key)
			case "skip":
				if ev.Test != "" {
					skipped++
					fmt.Printf("skip  %s %s: %s\n", ev.Package, ev.Test, reason(output[key]))
				}
				delete(output, key)
			case "fail":
				if ev.Test == "" && failedIn[ev.Package] > 0 {
					break
				}
				failed++
				failedIn[ev.Package]++
				fmt.Printf("FAIL  %s %s\n", ev.Package, ev.Test)
				fmt.Print(strings.Join(output[ev.FailedBuild+" "], ""), strings.Join(output[key], ""))
			}
		}
		if err != nil {
			break
		}
	}
	if err := os.WriteFile(os.Args[1], fmt.Appendf(nil, "%d %d %d\n", passed, failed, skipped), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(74)
	}
}

// reason is what a skipped test said: the line with its place.
func reason(out []string) string {
	for _, l := range out {
		if l = strings.TrimSpace(l); strings.Contains(l, ".go:") {
			return l
		}
	}
	return "no reason given"
}
