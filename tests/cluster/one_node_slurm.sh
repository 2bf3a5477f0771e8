#!/usr/bin/env bash
# A small grid on a real Slurm of one node, which this starts on this machine: its records equal those made without it,
# also when a job is cancelled and when the command is killed. As root on Debian, from its packages; loopback only, no
# accounting, no cgroups; all files in one temporary folder but two links in /etc/slurm.
#   PYTHON=.venv/bin/python tests/cluster/one_node_slurm.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(realpath --no-symlinks "${PYTHON:-.venv/bin/python}")
work=$(mktemp -d)

slurm_daemons=()

start_slurm() {
    local folder=$1 name file
    name=$(hostname -s)
    if [ -e /etc/slurm/slurm.conf ]; then
        echo "/etc/slurm/slurm.conf is there: this machine belongs to a Slurm, use another" >&2
        return 1
    fi
    mkdir -p "$folder/spool" "$folder/state"
    chmod 700 "$folder"
    dd if=/dev/urandom of="$folder/munge.key" bs=128 count=1 status=none
    chmod 600 "$folder/munge.key"
    cat >"$folder/slurm.conf" <<END
ClusterName=one_node
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MinJobAge=7200
SchedulerParameters=sched_interval=1,batch_sched_delay=1
KillWait=5
ReturnToService=2
MailProg=/bin/true
GresTypes=gpu
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=4000 Gres=gpu:1
PartitionName=only Nodes=$name Default=YES MaxTime=60 State=UP
END
    echo "Name=gpu File=/dev/zero" >"$folder/gres.conf" # stands for a device: something to schedule by
    for file in slurm.conf gres.conf; do ln -sf "$folder/$file" "/etc/slurm/$file"; done # jobs lose SLURM_CONF
    _start "$folder" munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --seed-file="$folder/munged.seed" --log-file="$folder/munged.log"
    _start "$folder" slurmctld -D
    _start "$folder" slurmd -D
    for _ in $(seq 30); do
        if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then return; fi
        sleep 1
    done
    echo "the Slurm node does not come up: see $folder/*.out" >&2
    return 1
}

_start() {
    local folder=$1
    shift
    "$@" >"$folder/$1.out" 2>&1 &
    slurm_daemons=($! "${slurm_daemons[@]}")
    sleep 1
}

stop_slurm() {
    if ((${#slurm_daemons[@]})); then
        scancel --user="$(id -un)" 2>/dev/null || true
        kill "${slurm_daemons[@]}" 2>/dev/null || true
        wait "${slurm_daemons[@]}" 2>/dev/null || true
        rm -f /etc/slurm/slurm.conf /etc/slurm/gres.conf
    fi
}

# A grid with the runs in folder $1, where profile $2 says.
grid() {
    FACELIB_RUNS=$work/$1 "$python" tests/cluster/small_grid.py make "$2"
}

compare() {
    FACELIB_RUNS=$work/$1 "$python" tests/cluster/small_grid.py compare "$work/local"
}

# The number of a job that runs and is not $1, once there is one.
running_job() {
    local job
    for _ in $(seq 300); do
        job=$(squeue --noheader --states=running --format=%i | grep -vx "${1:-none}" | head -n 1 || true)
        if [ -n "$job" ]; then
            echo "$job"
            return
        fi
        sleep 1
    done
    echo "no job runs for five minutes" >&2
    return 1
}

# Names the processes of this machine that make runs in folder $1: the command and its Snakemake.
holders() {
    cut -d' ' -f1 "$work/$1/joint_attention/smoke/grid.lock"
}

timed() {
    local began=$SECONDS
    echo "== $1"
    shift
    "$@"
    echo "-- $((SECONDS - began)) s"
}

disturbed() {
    local command cancelled
    grid disturbed "$work/slurm-gpu" &
    command=$!
    cancelled=$(running_job)
    sleep 8
    echo "scancel $cancelled"
    scancel "$cancelled"
    running_job "$cancelled" >/dev/null
    sleep 8
    echo "kill -9 $(holders disturbed | xargs)"
    kill -9 $(holders disturbed)
    wait "$command" || true
    grid disturbed "$work/slurm-gpu"
}

finish() {
    stop_slurm
    rm -rf "$work"
}
trap finish EXIT

if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi
start_slurm "$work/node"
for profile in slurm slurm-gpu; do
    mkdir "$work/$profile"
    sed -e 's/mem_mb: .*/mem_mb: 1900/; s/runtime: .*/runtime: 30/; s/latency-wait: .*/latency-wait: 20/' \
        "facelib/workflow/profiles/$profile/config.yaml" >"$work/$profile/config.yaml"
done

timed "on this machine" grid local ""
timed "on Slurm" grid undisturbed "$work/slurm"
compare undisturbed
timed "on Slurm with a GPU for each job, a job cancelled, the command killed and started again" disturbed
compare disturbed
echo "jobs of Slurm: $(squeue --noheader --states=all --format=%T | sort | uniq -c | xargs)"
echo "with a GPU: $(squeue --noheader --states=all --Format=tres-per-job | grep -c gpu)"
