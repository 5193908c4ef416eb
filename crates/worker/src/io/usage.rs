//! The resources that the process has used, and its limit of descriptors.

use nix::errno::Errno;
use nix::sys::resource::{Resource, Usage, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeVal;

use crate::messages::ResourceUsage;

/// What this process has used so far. Times are in milliseconds; the rest is as in `getrusage(2)`.
/// All zero if the system does not answer.
pub(super) fn resource_usage() -> ResourceUsage {
    getrusage(UsageWho::RUSAGE_SELF)
        .map_or_else(|_| ResourceUsage::default(), |usage| plain(&usage))
}

/// The resident set now, in bytes; 0 if the system does not tell.
pub(super) fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.map_or(0, |kib: u64| kib.saturating_mul(1024))
}

/// Raises the limit of open descriptors to the maximum that the system allows. The usual 1024
/// exists for `select(2)`, and is enough for a few hundred transports only.
pub(super) fn raise_descriptor_limit() -> Result<(), Errno> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
}

fn plain(usage: &Usage) -> ResourceUsage {
    ResourceUsage {
        utime: millis(usage.user_time()),
        stime: millis(usage.system_time()),
        maxrss: count(usage.max_rss()),
        ixrss: count(usage.shared_integral()),
        idrss: count(usage.unshared_data_integral()),
        isrss: count(usage.unshared_stack_integral()),
        minflt: count(usage.minor_page_faults()),
        majflt: count(usage.major_page_faults()),
        nswap: count(usage.full_swaps()),
        inblock: count(usage.block_reads()),
        oublock: count(usage.block_writes()),
        msgsnd: count(usage.ipc_sends()),
        msgrcv: count(usage.ipc_receives()),
        nsignals: count(usage.signals()),
        nvcsw: count(usage.voluntary_context_switches()),
        nivcsw: count(usage.involuntary_context_switches()),
    }
}

fn millis(time: TimeVal) -> u64 {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec()).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(micros / 1000)
}

fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_milliseconds_and_grow_with_work() {
        assert_eq!(millis(TimeVal::new(2, 345_678)), 2345);
        let before = resource_usage();
        assert!(before.maxrss > 0);
        let busy = |usage: ResourceUsage| usage.utime + usage.stime;
        while busy(resource_usage()) < busy(before) + 2 {}
        assert!(resource_usage().nvcsw >= before.nvcsw);
    }

    #[test]
    fn the_resident_set_is_known_and_not_above_its_maximum() {
        let resident = resident_bytes();
        // The kernel counts pages for each CPU and adds them up in batches. While other threads
        // allocate, the two figures differ by some hundred KiB.
        let batches = 4 * 1024 * 1024;
        assert!(resident > 0 && resident <= resource_usage().maxrss * 1024 + batches);
    }

    #[test]
    fn descriptors_are_limited_by_the_hard_limit_alone() {
        raise_descriptor_limit().unwrap();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(soft, hard);
    }
}
