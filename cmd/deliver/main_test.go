package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pneu/cmd/internal/mantest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"deliver": main}) }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

func TestManual(t *testing.T) { mantest.Flags(t, app(), "deliver.8") }
