//! Rows 13 to 15: programs that others would write, or start, for the same calls.

use crate::calls::{Calls, Form};
use crate::measure::{ONCE, Round, Spread, USUAL};
use crate::peers::{Installed, Peer, Work};
use crate::report::Target;
use crate::rows::Rows;
use crate::world::{Sizes, World};

impl Rows<'_> {
    /// Our durable cancel, and our read, against each peer that this machine can run.
    pub fn beside_peers(&mut self) -> anyhow::Result<()> {
        let orders = self.plan.writes();
        let home = &self.plan.home;
        let sizes = Sizes { payable: orders, changed: 1, ..Sizes::default() };
        let template = World::make(&self.plan.program, &home.join("writes"), None, sizes)?;
        let cancels = Calls::cancel(&template, 0..orders);
        for peer in Peer::ALL {
            if !peer.is_there() {
                let needed = peer.runs_on().join(" and ");
                eprintln!("{} is not measured: it needs {needed}", peer.name());
                continue;
            }
            let installed = peer.install(home)?;
            for work in peer.works() {
                self.cancels_beside(&installed, *work, &template, &cancels)?;
            }
        }
        Ok(())
    }

    fn cancels_beside(
        &mut self,
        installed: &Installed,
        work: Work,
        template: &World,
        cancels: &Calls,
    ) -> anyhow::Result<()> {
        let name = installed.peer.name();
        let (row, what, least) = match work {
            Work::Durable => ("13", format!("cancel, durable, to {name} with SQLite"), 8.0),
            Work::Static => ("14", format!("cancel, durable, to {name} that stores nothing"), 1.0),
            Work::Nothing => ("15", format!("cancel, durable, to {name} that does nothing"), 8.0),
        };
        if !self.wants(&[row]) {
            return Ok(());
        }
        let fresh = self.plan.home.join("fresh");
        let mut ours = || {
            let server = template.copy_to(&fresh)?.started(&[])?;
            self.plan.round(&server, cancels, ONCE)
        };
        let mut theirs = || {
            let server = installed.start(work, cancels.requests.len())?;
            self.plan.round(&server, cancels, ONCE)
        };
        let rounds = self.plan.in_turn([&mut ours, &mut theirs])?;
        self.add_ratio(row, what, &rounds, least);
        match work {
            Work::Durable => {
                let late = |round: &Round| round.measured.quantile_ms(0.99);
                let pairs = rounds[0].iter().zip(&rounds[1]);
                let figure = Spread::of(pairs.map(|(ours, theirs)| late(ours) / late(theirs)));
                let what = format!("its slowest hundredth, to that of {name} with SQLite");
                self.add(row, what, figure, Target::AtMost(0.1), String::new());
            }
            Work::Static => {
                let server = template.copy_to(&fresh)?.started(&[])?;
                let peer = installed.start(work, cancels.requests.len())?;
                let detail = Calls::detail(template, Form::Json, 0..1);
                let mut ours = || self.plan.round(&server, &detail, USUAL);
                let mut theirs = || self.plan.round(&peer, cancels, USUAL);
                let rounds = self.plan.in_turn([&mut ours, &mut theirs])?;
                let what = format!("change.detail of one order, to a cancel of that {name}");
                self.add_ratio(row, what, &rounds, 2.0);
            }
            Work::Nothing => {}
        }
        Ok(())
    }
}
