# The adapter of the mail benchmarks for pneu; sourced by bash. It builds the
# programs afresh into $SCRATCH, as scripts/build does.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Workloads change HOME, below which Go would look for modules.
GOMODCACHE=$(go env GOMODCACHE) GOCACHE=$(go env GOCACHE)
export GOMODCACHE GOCACHE

pneu_build() { # PROGRAM...
	local program
	mkdir -p "$SCRATCH/bin"
	for program; do
		(cd "$ROOT" && CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -ldflags '-s -w' -o "$SCRATCH/bin/$program" "./cmd/$program") || return 1
	done
	PATH=$SCRATCH/bin:$PATH
}

# pneu_spool: an empty spool and the configuration that names it, in
# $SCRATCH/pneu.toml.
pneu_spool() {
	local i
	cat >"$SCRATCH/pneu.toml" <<-END
		hostname = "mx.bench.test"
		domains = ["bench.test"]
		spool = "$SCRATCH/pneu-spool"
		message_size = "50MB"
	END
	mkdir -p "$SCRATCH"/pneu-spool/{q,hold,log,bad,dest,drop}
	for i in {0..63}; do mkdir -p "$SCRATCH/pneu-spool/q/$(printf '%02x' "$i")"; done
	mkfifo "$SCRATCH/pneu-spool/wake"
	sync
}

adapter_version() { git -C "$ROOT" describe --always --dirty; }

submit_prepare() { # nothing drains the queue
	pneu_build sendmail && pneu_spool || return 1
	SENDMAIL="$SCRATCH/bin/sendmail -C $SCRATCH/pneu.toml -oi -f sender@bench.test"
}
submit_count() { find "$SCRATCH/pneu-spool/q" -type f | wc -l; }

smtp_start() { # runs as it is installed: smtpd accepts, qrun -d delivers
	pneu_build smtpd qrun deliver && pneu_spool || return 1
	cat >>"$SCRATCH/pneu.toml" <<-END
		[smtpd.listen]
		mx = ["127.0.0.1:2525"]
	END
	setsid "$SCRATCH/bin/qrun" -C "$SCRATCH/pneu.toml" -d >"$SCRATCH/qrun.log" 2>&1 </dev/null &
	local runner=$!
	start_server "$SCRATCH/smtpd.log" "$SCRATCH/bin/smtpd" -C "$SCRATCH/pneu.toml"
	SERVER_PID=$SERVER_PID,$runner
	wait_port 127.0.0.1:2525 && SMTP_ADDR=127.0.0.1:2525
}

# These run in shells of their own.
export ROOT PATH=$SCRATCH/bin:$PATH
scan_setup='mkdir -p "$SCRATCH/bin" && cd "$ROOT" &&
	CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs -ldflags "-s -w" -o "$SCRATCH/bin/pneu" ./cmd/pneu'
scan_forget='rm -f "$DIR"/pneu.*'
scan_index='pneu store rebuild --text -M "$DIR"'
scan_reindex='pneu store stat -M "$DIR"' # looks whether the directories changed
scan_list='pneu ls "$DIR" | pneu sort date | pneu scan'
scan_sender='pneu search -M "$DIR" from:elena.okafor60'
scan_text='pneu search -M "$DIR" body:harbour'
scan_thread='pneu ls "$DIR" | pneu thread'

tui_prepare() {
	pneu_build pneu-tui || return 1
	tui_command="pneu-tui --layout list --maildir $DIR" tui_forget="rm -f $DIR/pneu.*"
}
TUI_DOWN='\x06' TUI_END=G TUI_HOME=gg TUI_OPEN='\r'
