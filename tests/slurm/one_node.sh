#!/usr/bin/env bash
# Runs a command with a Slurm of one node, this machine: one_node.sh COMMAND... Installs Slurm and munge where they are
# missing, keeps everything in a temporary folder, and ends what it has started. Needs root on Debian or Ubuntu.
set -euo pipefail

if [ "$(id -u)" != 0 ]; then
	echo "A Slurm of one node is started by root; run this as root, or in a container." >&2
	exit 2
fi
missing=
for program in slurmctld slurmd sbatch munged; do
	command -v "$program" >/dev/null || missing=yes
done
if [ -n "$missing" ]; then
	echo "== Installing Slurm"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi

work=$(mktemp -d)
chmod 755 "$work"
pids=()
finish() {
	status=$?
	scancel --user=root 2>/dev/null || true
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	if [ "$status" != 0 ]; then tail -n 5 "$work"/*.log >&2 || true; fi
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT

head -c 1024 /dev/urandom > "$work/munge.key"
chmod 400 "$work/munge.key"
# As root, in a folder of its own: --force lets it.
munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munge.pid" \
	--seed-file="$work/munge.seed" --log-file="$work/munge.log" 2>/dev/null &
pids+=($!)

host=$(hostname -s)
cat > "$work/slurm.conf" <<CONF
ClusterName=kinprint
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$((20000 + $$ % 10000))
SlurmdPort=$((30000 + $$ % 10000))
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
SlurmUser=root
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SchedulerParameters=sched_interval=2
# submitit lets SIGTERM pass: a job that is cancelled goes on until SIGKILL, and would be done in the usual 30 seconds.
KillWait=2
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc --all) State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
mkdir "$work/state" "$work/spool"
export SLURM_CONF="$work/slurm.conf"
slurmctld -D 2>/dev/null &
pids+=($!)
slurmd -D 2>/dev/null &
pids+=($!)

for _ in $(seq 120); do
	if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then break; fi
	sleep 1
done
if [ "$(sinfo --noheader --format=%T)" != idle ]; then
	echo "Slurm did not come up." >&2
	exit 1
fi
echo "== Slurm $(sinfo --version | cut -d' ' -f2) is up, one node with $(nproc --all) processors"
KINPRINT_TEST_SLURM=1 "$@"
