//! `tripwright seal` and `tripwright open`: SM4 as partners agree it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use top::seal::{Encoding, Mode, Padding, Scheme, Sealing};

use super::print;
use crate::context;

/// A partner's setting.
#[derive(Args)]
struct Setting {
    /// File with the key: 32 hex digits, base64 or 16 characters (or set TRIPWRIGHT_SM4_KEY)
    #[arg(long)]
    sm4_key_file: Option<PathBuf>,

    /// How values are sealed: MODE/PADDING/ENCODING, such as ecb/pkcs7/hex, gcm/base64, cbc-prefixed,
    /// cbc:IV/zero/hex-upper
    #[arg(long, default_value_t)]
    scheme: Scheme,
}

impl Setting {
    fn sealing(&self) -> anyhow::Result<Sealing> {
        const VARIABLE: &str = "TRIPWRIGHT_SM4_KEY";
        let text = match (&self.sm4_key_file, std::env::var(VARIABLE)) {
            (Some(path), _) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?,
            (None, Ok(text)) => text,
            (None, Err(_)) => bail!("give the SM4 key in --sm4-key-file or {VARIABLE}"),
        };
        Ok(Sealing { key: text.trim().parse()?, scheme: self.scheme })
    }
}

/// What to seal.
#[derive(Args)]
pub struct Seal {
    /// The value in the clear; `-` reads it from standard input, where names belong
    value: String,

    #[command(flatten)]
    setting: Setting,
}

impl Seal {
    /// Prints the sealed value.
    pub fn perform(&self) -> anyhow::Result<ExitCode> {
        let mut value = self.value.clone();
        if value == "-" {
            value.clear();
            std::io::stdin().read_line(&mut value).context("standard input")?;
            value.truncate(value.trim_end_matches(['\r', '\n']).len());
        }
        print(&self.setting.sealing()?.seal(&value, context::fresh_block()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What to open.
#[derive(Args)]
pub struct Open {
    /// The sealed value
    value: String,

    #[command(flatten)]
    setting: Setting,
}

impl Open {
    /// Prints the value in the clear; when it does not open, says under which other settings of the
    /// same key it would.
    pub fn perform(&self) -> anyhow::Result<ExitCode> {
        let sealing = self.setting.sealing()?;
        if let Ok(clear) = sealing.open(&self.value)
            && !clear.chars().any(char::is_control)
        {
            print(&clear)?;
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("error: the value does not open to a readable text under this setting");
        let others = others(&sealing, &self.value);
        for (scheme, _) in &others {
            eprintln!("it opens to a readable text with --scheme {scheme}");
        }
        if others.is_empty() {
            eprintln!("it opens under no other mode, padding or encoding either: check the key");
        }
        Ok(ExitCode::FAILURE)
    }
}

/// Every other scheme under which the same key opens the value to a readable text.
fn others(sealing: &Sealing, value: &str) -> Vec<(Scheme, String)> {
    let mut modes = vec![Mode::Ecb, Mode::CbcPrefixed, Mode::Gcm];
    // A vector is given or not there: nobody can guess it.
    modes.extend(matches!(sealing.scheme.mode, Mode::CbcFixed(_)).then_some(sealing.scheme.mode));
    let mut found: Vec<(Scheme, String)> = Vec::new();
    for mode in modes {
        for padding in [Padding::Pkcs7, Padding::Zero] {
            for encoding in [Encoding::Hex, Encoding::Base64] {
                let scheme = Scheme { mode, padding, encoding };
                let other = Sealing { scheme, key: sealing.key.clone() };
                let Ok(clear) = other.open(value) else { continue };
                let readable = !clear.is_empty() && !clear.chars().any(char::is_control);
                let known = found.iter().any(|(_, known)| *known == clear);
                if readable && !known {
                    found.push((scheme, clear));
                }
            }
        }
    }
    found
}
