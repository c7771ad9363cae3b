//! A whole database from one engine to the other, row by row as it is kept: sealed values stay sealed,
//! and the keys go along, so that the same operator's key opens both.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

/// Rows read and written at a time: a few megabytes.
const PAGE: usize = 500;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
    Nothing,
}

/// A row.
pub(crate) type Cells = Vec<Cell>;

/// What a column holds: text, numbers, bytes, or bytes that may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Bytes,
    MaybeBytes,
}

/// A table that is copied.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Type)],
    /// The columns that its rows are read in the order of, as many as lead the columns; SQLite reads the
    /// journal by its entries instead.
    pub key: usize,
    /// The column that says what kind of order a row is about, if it is about one.
    pub kind: Option<usize>,
    /// Which rows are copied.
    pub only: &'static str,
}

impl Table {
    /// What its rows are read from: documents that stand in two places are copied as one.
    pub(crate) fn source(&self) -> &'static str {
        if self.name == "aggregate" { "whole" } else { self.name }
    }
}

use Type::{Bytes, MaybeBytes, Number, Text};

/// Every table but what running gateways say of themselves: how often apps have called, and the last calls.
#[rustfmt::skip]
pub(crate) const TABLES: &[Table] = &[
    Table { name: "aggregate", key: 3, kind: Some(1), only: "true", columns: &[
        ("owner", Text), ("kind", Text), ("id", Text), ("version", Number), ("document", Bytes)] },
    Table { name: "journal", key: 4, kind: Some(1), only: "true", columns: &[
        ("owner", Text), ("kind", Text), ("id", Text), ("version", Number), ("what", Text),
        ("at_ms", Number), ("actor", Text), ("request_id", Text), ("facts", MaybeBytes)] },
    Table { name: "lookup", key: 4, kind: Some(1), only: "true", columns: &[
        ("owner", Text), ("kind", Text), ("name", Text), ("value", Text), ("id", Text)] },
    Table { name: "person", key: 4, kind: Some(1), only: "true", columns: &[
        ("owner", Text), ("kind", Text), ("id", Text), ("hash", Bytes)] },
    Table { name: "app", key: 1, kind: None, only: "true", columns: &[
        ("app_key", Text), ("document", Bytes)] },
    Table { name: "session", key: 2, kind: None, only: "true", columns: &[
        ("app_key", Text), ("token_hash", Bytes), ("document", Bytes)] },
    Table { name: "fact", key: 1, kind: None, only: "name = 'demo_edition'", columns: &[
        ("name", Text), ("value", Text)] },
];

/// The keys come last, once everything else is there: a copy that was cut short cannot be opened.
const KEYS: Table = Table {
    name: "sealing_key",
    key: 2,
    kind: None,
    only: "true",
    columns: &[("serial", Number), ("wrapped_by", Text), ("name", Text), ("wrapped", Text)],
};

/// How many rows of one kind there are in one table, and what they say together, in whatever order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    digest: [u8; 32],
}

impl Sum {
    fn add(&mut self, row: &[Cell]) {
        let mut hash = Sha256::new();
        for cell in row {
            let (tag, bytes): (u8, &[u8]) = match cell {
                Cell::Text(text) => (1, text.as_bytes()),
                Cell::Number(number) => (2, &number.to_be_bytes()),
                Cell::Bytes(bytes) => (3, bytes),
                Cell::Nothing => (4, &[]),
            };
            hash.update([tag]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        // No two rows are alike, so none takes another away.
        for (sum, byte) in self.digest.iter_mut().zip(hash.finalize()) {
            *sum ^= byte;
        }
        self.rows += 1;
    }

    /// The checksum as hex digits.
    pub fn checksum(&self) -> String {
        crate::hex(&self.digest[..16])
    }
}

/// Sums by table, with the kind where a row has one: `aggregate/flight`.
pub type Sums = BTreeMap<String, Sum>;

fn add(sums: &mut Sums, table: &Table, row: &[Cell]) {
    let name = match table.kind.and_then(|at| row.get(at)) {
        Some(Cell::Text(kind)) => format!("{}/{kind}", table.name),
        _ => table.name.to_owned(),
    };
    sums.entry(name).or_default().add(row);
}

/// Copies an SQLite database into an empty PostgreSQL one and reads both back. `progress` is told how many
/// rows have been copied and how many there are. Nobody can write to the one meanwhile.
///
/// # Errors
/// An engine failed, or the one copied to is in use already.
pub async fn copy(
    from: &Path,
    to: &str,
    mut progress: impl FnMut(u64, u64),
) -> Result<(Sums, Sums), Error> {
    let from = Sqlite::open(from)?;
    let to = Postgres::open(to, true).await?;
    if !to.keys().await?.is_empty() {
        return Err(Error::NotEmpty);
    }
    let held = from.hold()?;
    let mut total = from.count(&KEYS)?;
    for table in TABLES {
        total += from.count(table)?;
    }
    let (mut done, mut read, mut found) = (0, Sums::new(), Sums::new());
    for table in TABLES {
        put(&from, &to, table, &mut read, |rows| {
            done += rows;
            progress(done, total);
        })
        .await?;
        look(&to, table, &mut found).await?;
    }
    if read == found {
        put(&from, &to, &KEYS, &mut read, |_| progress(total, total)).await?;
        look(&to, &KEYS, &mut found).await?;
    }
    drop(held);
    from.close().await;
    to.close().await;
    Ok((read, found))
}

/// Copies a table.
async fn put(
    from: &Sqlite,
    to: &Postgres,
    table: &Table,
    sums: &mut Sums,
    mut progress: impl FnMut(u64),
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let (rows, next) = from.page(table, after, PAGE)?;
        if rows.is_empty() {
            return Ok(());
        }
        rows.iter().for_each(|row| add(sums, table, row));
        to.put_rows(table, &rows).await?;
        progress(rows.len() as u64);
        after = next;
    }
}

/// Reads a table back.
async fn look(at: &Postgres, table: &Table, sums: &mut Sums) -> Result<(), Error> {
    let mut after: Option<Cells> = None;
    loop {
        let rows = at.page(table, after.as_deref(), PAGE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.clone());
        rows.iter().for_each(|row| add(sums, table, row));
    }
}
