package conf_test

import (
	"testing"

	"pneu/cmd/internal/conf"
	"pneu/cmd/internal/mantest"
)

func TestManualSettings(t *testing.T) { mantest.Settings(t, "Known to every program", conf.File{}) }
