//! Programs under measurement: started on a core of their own, and what they cost.

use std::net::{SocketAddr, TcpListener};
use std::os::linux::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

/// The core of whatever serves; the harness and its load have the other.
pub const SERVER_CORE: &str = "0";
pub const LOAD_CORE: &str = "1";

/// What has been written so far, by whomever, to the disk that a folder is on, in bytes; nothing where the system
/// does not say. The kernel's count for a process is of no use: it takes a page for all that are kept with it.
pub fn written_bytes(folder: &Path) -> Option<u64> {
    const SECTOR_BYTES: u64 = 512;
    const SECTORS_WRITTEN: usize = 6;
    let device = std::fs::metadata(folder).ok()?.st_dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let text = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")).ok()?;
    let sectors: u64 = text.split_whitespace().nth(SECTORS_WRITTEN)?.parse().ok()?;
    Some(sectors * SECTOR_BYTES)
}

/// A program that serves; killed when dropped.
pub struct Server {
    /// Where it answers.
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a command on the servers' core. Its output goes nowhere, but for complaints to a file.
    pub fn start(command: &Command, address: SocketAddr) -> anyhow::Result<Self> {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", SERVER_CORE]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => pinned.env(name, value),
                None => pinned.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            pinned.current_dir(folder);
        }
        let log = std::fs::File::create(log_file())?;
        pinned.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = pinned.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { address, child })
    }

    /// CPU time of all its threads so far, in ns.
    pub fn cpu_ns(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for pid in self.family()? {
            for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
                let path = task?.path().join("schedstat");
                // A thread may end while it is looked at.
                sum += std::fs::read_to_string(path).map_or(0, |text| first_number(&text));
            }
        }
        Ok(sum)
    }

    /// Its share of memory, in MB, everything it started included.
    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        let mut kib = 0;
        for pid in self.family()? {
            let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            kib += first_number(line.context("no Pss")?);
        }
        Ok(kib as f64 / 1024.0)
    }

    /// It and what it started.
    fn family(&self) -> anyhow::Result<Vec<u32>> {
        let mut family = vec![self.child.id()];
        let mut at = 0;
        while at < family.len() {
            let pid = family[at];
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
            family.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            at += 1;
        }
        Ok(family)
    }

    /// Whether it has ended, and what it complained of.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        let log = std::fs::read_to_string(log_file()).unwrap_or_default();
        Some(format!("{status}: {}", log.trim()))
    }

    /// Kills it as a power cut would.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        run(Command::new("kill").args(["-TERM", &pid]))?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_file() -> std::path::PathBuf {
    std::env::temp_dir().join("tripwright-bench.log")
}

/// An address on this machine that nobody uses.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// CPU time of this thread so far, in ns: what the load takes.
pub fn own_cpu_ns() -> anyhow::Result<u64> {
    Ok(first_number(&std::fs::read_to_string("/proc/thread-self/schedstat")?))
}

/// CPU time of everything on this machine, in ns.
pub fn machine_cpu_ns() -> anyhow::Result<u64> {
    /// As the kernel counts on every Linux we know.
    const NS_PER_TICK: u64 = 10_000_000;
    /// Of the first line's numbers: idle and waiting for a disk.
    const IDLE: [usize; 2] = [3, 4];
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("no /proc/stat")?;
    let ticks = line.split_whitespace().skip(1).map(first_number).enumerate();
    let busy = ticks.take(8).filter(|(at, _)| !IDLE.contains(at)).map(|(_, ticks)| ticks);
    Ok(busy.sum::<u64>() * NS_PER_TICK)
}

/// Runs a command to its end and returns what it printed.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
