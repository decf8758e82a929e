#!/usr/bin/env bash
# long_srun.sh MIEN MPIRUN MODULE: two ranks under srun give what one gives in two parts: the MPI that the build has
# found by PMIx, MPICH (MODULE, where there is one) by PMI-2. The cluster, of this machine alone, is the test's own:
# munged, slurmctld and slurmd over files in a temporary directory, on ports of its own.
set -u
mien=$(realpath "$1") mpirun=${2-} module=${3-}
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "skipped: $1" && exit 77; }
for program in munged slurmctld slurmd srun; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || skip "no $program (slurmctld, slurmd, slurm-client, munge)"
done
[ "$(id -u)" -eq 0 ] || skip 'slurmd wants to be root'
PATH=$PATH:/usr/sbin
work=$(mktemp -d)
chmod 755 "$work" # munge wants others to reach its socket
started=()
# Steps report to slurmctld before they end: first the jobs, then the daemons; what is left has the cluster's log open.
stop() {
    local i log
    for _ in $(seq 40); do
        [ -z "$(timeout 5 squeue -h 2>/dev/null)" ] && break
        sleep 0.5
    done
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill "${started[i]}" 2>/dev/null
        wait "${started[i]}" 2>/dev/null
    done
    for log in /proc/[0-9]*/fd/3; do
        [ "$(readlink "$log")" = "$work/slurmd.log" ] || continue
        log=${log#/proc/}
        kill -9 "${log%%/*}" 2>/dev/null
    done
    rm -rf "$work"
}
trap stop EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
. "$here/ranks.sh"

# cluster NAME PORT: one node, this machine, with two places
cluster() {
    cat <<TEXT
ClusterName=mien
SlurmctldHost=$1(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SchedulerType=sched/builtin
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmctldPort=$2
SlurmdPort=$(($2 + 1))
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmdParameters=config_overrides
NodeName=$1 NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$1 Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
TEXT
}

# start NAME COMMAND...: in the background until the test ends
start() {
    local name=$1
    shift
    "$@" >"$name.out" 2>&1 &
    started+=($!)
}

mkdir -m 755 munge && mkdir state spool
(umask 077 && head -c 1024 /dev/urandom >munge.key)
cluster "$(hostname -s)" $((20000 + $$ % 20000)) >slurm.conf
export SLURM_CONF=$work/slurm.conf
start munged munged --foreground --key-file="$work/munge.key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed"
for _ in $(seq 50); do [ -S munge/socket ] || sleep 0.1; done
start slurmctld slurmctld -D -f slurm.conf
start slurmd slurmd -D -f slurm.conf
up=
for _ in $(seq 60); do
    up=$(timeout 10 sinfo -h -o %T 2>/dev/null)
    case $up in idle*) break ;; esac
    sleep 0.5
done
case $up in
idle*) ;;
*) tail -n 3 ./*.out && skip 'no cluster of Slurm starts here' ;;
esac

"$mien" synth faces --count 60 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 3 0 >c.json
alone one 4
# by KIND MODULE: two ranks of srun; KIND as --mpi wants it
by() {
    MIEN_MPI_MODULE=$2 timeout 250 srun --mpi="$1" -n 2 "$mien" train --quiet --config c.json --set run.dir="$1" \
        >out 2>err
    holds "srun --mpi=$1 ends well" test $? -eq 0 || cat out err
    holds 'one rank tells of it' test "$(grep -c '^trained 3 steps' out)" -eq 1
    same_runs one "$1" 3
}
tried=0
if [ ${#launch[@]} -gt 0 ] && timeout 10 srun --mpi=list 2>&1 | grep -qw pmix; then # Open MPI
    by pmix ""
    tried=$((tried + 1))
fi
if [ -n "$module" ] && timeout 10 srun --mpi=list 2>&1 | grep -qw pmi2; then
    by pmi2 "$(realpath "$module")"
    tried=$((tried + 1))
fi
[ "$tried" -gt 0 ] || skip 'Slurm has neither PMIx for Open MPI nor PMI-2 for MPICH'
timeout 100 srun --mpi=none -n 2 "$mien" train --quiet --config c.json --set run.dir=none >out 2>err
holds 'without PMI there is an error' test $? -ne 0
holds 'and no run' test ! -e none/model
finish
