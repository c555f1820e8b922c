package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pneu/cmd/internal/mantest"
	"pneu/mda/deliver"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"deliver": main}) }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

func TestManual(t *testing.T) { mantest.Flags(t, app(), "deliver.8") }

func TestManualSettings(t *testing.T) { mantest.Settings(t, "[deliver]", deliver.Options{}) }
