package main

import (
	"testing"

	"pneu/cmd/internal/mantest"
)

func TestManual(t *testing.T) { mantest.Flags(t, app(), "qrun.8") }

func TestManualSettings(t *testing.T) { mantest.Settings(t, "[qrun]", settings{}) }
