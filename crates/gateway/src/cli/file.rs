//! The settings file: its values become the defaults of the flags of the same name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Command;

/// Puts the file's values into the command and its subcommands.
///
/// # Errors
/// The file cannot be read, is not TOML, or has a key that is no flag.
pub fn with_defaults(command: Command, path: &Path) -> anyhow::Result<Command> {
    let named = || format!("settings file {}", path.display());
    let text = std::fs::read_to_string(path).with_context(named)?;
    let table: toml::Table = toml::from_str(&text).with_context(named)?;
    let typed = table.iter().map(|(name, value)| Ok((name.clone(), typed(name, value)?)));
    let table = typed.collect::<anyhow::Result<BTreeMap<_, _>>>().with_context(named)?;
    let mut known = BTreeSet::new();
    let command = apply(command, &table, &mut known);
    if let Some(key) = table.keys().find(|key| !known.contains(*key)) {
        bail!("{}: {key} is no setting", named());
    }
    Ok(command)
}

fn apply(
    command: Command,
    table: &BTreeMap<String, String>,
    known: &mut BTreeSet<String>,
) -> Command {
    let command = command.mut_args(|arg| {
        let Some(name) = arg.get_long().map(|long| long.replace('-', "_")) else {
            return arg;
        };
        let value = table.get(&name);
        known.insert(name);
        match value {
            Some(value) => arg.default_value(value.clone()),
            None => arg,
        }
    });
    command.mut_subcommands(|subcommand| apply(subcommand, table, known))
}

/// A value as it would be typed.
fn typed(name: &str, value: &toml::Value) -> anyhow::Result<String> {
    Ok(match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        other => {
            bail!("{name} must be a string, a number or a truth value, not {}", other.type_str())
        }
    })
}
