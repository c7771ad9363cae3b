//! Others who do the same work: programs as somebody would write them by hand, from their registries.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::calls::Calls;
use crate::measure::first_answer;
use crate::process::{Server, free_address, run};
use crate::world::SECRET;

/// A peer, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Express,
    FastApi,
}

/// What a peer does before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It checks the signature.
    Static,
    /// It closes the order durably, too.
    Durable,
}

impl Peer {
    pub const ALL: [Self; 2] = [Self::Express, Self::FastApi];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Express => "express",
            Self::FastApi => "fastapi",
        }
    }

    /// Installs what it needs, once, below `home`.
    pub fn install(self, home: &Path) -> anyhow::Result<Installed> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(self.name());
        let folder = home.join("peers").join(self.name());
        std::fs::create_dir_all(&folder)?;
        match self {
            Self::Express => {
                for file in ["package.json", "server.js"] {
                    std::fs::copy(source.join(file), folder.join(file))?;
                }
                run(Command::new("npm")
                    .args(["install", "--no-audit", "--no-fund"])
                    .current_dir(&folder))?;
            }
            Self::FastApi => {
                std::fs::copy(source.join("server.py"), folder.join("server.py"))?;
                run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(&folder))?;
                let requirements = source.join("requirements.txt");
                run(Command::new(folder.join("venv/bin/pip"))
                    .args(["install", "--quiet", "--requirement"])
                    .arg(requirements))?;
            }
        }
        Ok(Installed { peer: self, folder })
    }
}

/// A peer that can be started.
pub struct Installed {
    pub peer: Peer,
    folder: PathBuf,
}

impl Installed {
    /// Starts it with so many orders, and waits until it answers.
    pub fn start(&self, work: Work, orders: usize) -> anyhow::Result<Server> {
        for name in ["peer.db", "peer.db-wal", "peer.db-shm"] {
            // Of the run before, if there was one.
            let _ = std::fs::remove_file(self.folder.join(name));
        }
        let address = free_address()?;
        let mut command = match self.peer {
            Peer::Express => Command::new("node"),
            Peer::FastApi => Command::new(self.folder.join("venv/bin/python")),
        };
        let script = match self.peer {
            Peer::Express => "server.js",
            Peer::FastApi => "server.py",
        };
        let work = if work == Work::Durable { "durable" } else { "static" };
        let (port, orders) = (address.port().to_string(), orders.to_string());
        command.args([script, &port, work, SECRET, &orders]).current_dir(&self.folder);
        let mut server = Server::start(&command, address)?;
        first_answer(&mut server, &Calls::anything(), Instant::now())?;
        Ok(server)
    }
}
