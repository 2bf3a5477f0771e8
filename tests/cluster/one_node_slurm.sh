# A Slurm of one node on this machine, for tests: sourced, it gives `start_slurm FOLDER` and `stop_slurm`.
#
# From Debian's packages (slurm-wlm, munge), as root; loopback only, no accounting, no cgroups, and all
# files in FOLDER but two links in /etc/slurm.

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
