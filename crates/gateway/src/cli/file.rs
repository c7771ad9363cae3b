//! The settings file: its values become the defaults of the settings of the same name, wherever a
//! command takes them. What is no setting of `serve` is no setting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::{Arg, Command};

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
    let settings: BTreeSet<String> = command
        .get_subcommands()
        .filter(|subcommand| subcommand.get_name() == "serve")
        .flat_map(Command::get_arguments)
        .filter_map(name)
        .collect();
    if let Some(key) = table.keys().find(|key| !settings.contains(*key)) {
        bail!("{}: {key} is no setting", named());
    }
    Ok(apply(command, &table))
}

/// The name of a flag in the file.
fn name(arg: &Arg) -> Option<String> {
    arg.get_long().map(|long| long.replace('-', "_"))
}

fn apply(command: Command, table: &BTreeMap<String, String>) -> Command {
    let command = command.mut_args(|arg| {
        let value = name(&arg).and_then(|name| table.get(&name)).cloned();
        value.map_or(arg.clone(), |value| arg.default_value(value))
    });
    command.mut_subcommands(|subcommand| apply(subcommand, table))
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
