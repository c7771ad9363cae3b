//! Programs under measurement: started on a core of their own, and what they cost.

use std::net::{SocketAddr, TcpListener};
use std::os::linux::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// The core of whatever serves, unless it is told otherwise; the harness and its load have the other.
pub const SERVER_CORE: &str = "0";
pub const LOAD_CORE: &str = "1";
/// The cores of whatever serves, as they were asked for.
static SERVER_CORES: OnceLock<String> = OnceLock::new();
/// Whether a server had to be killed that was to stop.
static IS_KILLED: AtomicBool = AtomicBool::new(false);

/// Gives whatever serves from now on these cores, as `taskset` has them.
pub fn serve_on(cores: String) {
    // Asked for once, when the harness starts.
    let _ = SERVER_CORES.set(cores);
}

/// The cores of whatever serves.
pub fn server_cores() -> &'static str {
    SERVER_CORES.get().map_or(SERVER_CORE, String::as_str)
}

/// Whether a server had to be killed that was to stop: what it would have said of itself is lost.
pub fn is_any_killed() -> bool {
    IS_KILLED.load(Ordering::Relaxed)
}

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

/// How long a program that is no longer needed may take to end by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(10);
const LOOKED_AT_EVERY: Duration = Duration::from_millis(5);

/// A program that serves; asked to stop when dropped, so that one that takes notes of itself can write them down,
/// and killed where it does not.
pub struct Server {
    /// Where it answers.
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a command on the servers' core. Its output goes nowhere, but for complaints to a file.
    pub fn start(command: &Command, address: SocketAddr) -> anyhow::Result<Self> {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", server_cores()]).arg(command.get_program()).args(command.get_args());
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
        self.ask_to_stop()?;
        self.child.wait()?;
        Ok(())
    }

    fn ask_to_stop(&self) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::TERM)?)
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        let asked = Instant::now();
        if self.ask_to_stop().is_ok() {
            while !self.has_ended() && asked.elapsed() < ENDS_WITHIN {
                std::thread::sleep(LOOKED_AT_EVERY);
            }
        }
        if !self.has_ended() {
            IS_KILLED.store(true, Ordering::Relaxed);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
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
