# The adapter of the mail benchmarks for pneu; sourced by bash. It builds the
# programs afresh into $SCRATCH, as scripts/build does.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

pneu_build() { # PROGRAM...
	local program
	mkdir -p "$SCRATCH/bin"
	for program; do
		(cd "$ROOT" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$SCRATCH/bin/$program" "./cmd/$program") || return 1
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
