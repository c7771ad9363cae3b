//! `tripwright seal` and `tripwright open`: SM4 as partners agree it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use top::seal::{BLOCK_BYTES, Encoding, Key, Mode, Padding, Sealing, from_hex};

use super::print;
use crate::context;

/// A partner's setting.
#[derive(Args)]
struct Setting {
    /// File with the key: 32 hex digits, base64 or 16 characters (or set TRIPWRIGHT_SM4_KEY)
    #[arg(long)]
    sm4_key_file: Option<PathBuf>,

    /// How blocks are chained
    #[arg(long, value_enum, default_value_t)]
    mode: Chaining,

    /// The vector of cbc, 32 hex digits
    #[arg(long, value_parser = vector)]
    iv: Option<Vector>,

    /// How the last block is filled
    #[arg(long, value_enum, default_value_t)]
    padding: Filling,

    /// How the bytes travel
    #[arg(long, value_enum, default_value_t)]
    encoding: Travel,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Chaining {
    #[default]
    Ecb,
    /// From a vector that both sides know (--iv)
    Cbc,
    /// From a vector that stands before the ciphertext
    CbcPrefixed,
    /// The nonce before the ciphertext, the tag after it
    Gcm,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Filling {
    #[default]
    Pkcs7,
    Zero,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Travel {
    #[default]
    Hex,
    HexUpper,
    Base64,
}

#[derive(Clone, Copy)]
struct Vector([u8; BLOCK_BYTES]);

fn vector(text: &str) -> Result<Vector, &'static str> {
    let bytes = from_hex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Vector).ok_or("give 32 hex digits")
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
        let key: Key = text.trim().parse()?;
        let mode = match (self.mode, self.iv) {
            (Chaining::Ecb, _) => Mode::Ecb,
            (Chaining::Cbc, Some(Vector(iv))) => Mode::CbcFixed(iv),
            (Chaining::Cbc, None) => bail!("--mode cbc needs --iv"),
            (Chaining::CbcPrefixed, _) => Mode::CbcPrefixed,
            (Chaining::Gcm, _) => Mode::Gcm,
        };
        let padding = match self.padding {
            Filling::Pkcs7 => Padding::Pkcs7,
            Filling::Zero => Padding::Zero,
        };
        let encoding = match self.encoding {
            Travel::Hex => Encoding::Hex,
            Travel::HexUpper => Encoding::HexUpper,
            Travel::Base64 => Encoding::Base64,
        };
        Ok(Sealing { key, mode, padding, encoding })
    }
}

/// What to seal.
#[derive(Args)]
pub struct Seal {
    /// The value in the clear
    value: String,

    #[command(flatten)]
    setting: Setting,
}

impl Seal {
    /// Prints the sealed value.
    pub fn perform(&self) -> anyhow::Result<ExitCode> {
        print(&self.setting.sealing()?.seal(&self.value, context::fresh_block()))?;
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
        if let Ok(clear) = sealing.open(&self.value) {
            print(&clear)?;
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("error: the value does not open under this setting");
        let others = self.others(&sealing);
        for (flags, _) in &others {
            eprintln!("it opens to a readable text with {flags}");
        }
        if others.is_empty() {
            eprintln!("it opens under no other mode, padding or encoding either: check the key");
        }
        Ok(ExitCode::FAILURE)
    }

    /// Every setting of the same key under which the value opens to readable text.
    fn others(&self, sealing: &Sealing) -> Vec<(String, String)> {
        let mut modes = vec![
            ("--mode ecb", Mode::Ecb),
            ("--mode cbc-prefixed", Mode::CbcPrefixed),
            ("--mode gcm", Mode::Gcm),
        ];
        if let Some(Vector(iv)) = self.setting.iv {
            modes.push(("--mode cbc", Mode::CbcFixed(iv)));
        }
        let paddings = [("", Padding::Pkcs7), (" --padding zero", Padding::Zero)];
        let encodings = [("", Encoding::Hex), (" --encoding base64", Encoding::Base64)];
        let mut found: Vec<(String, String)> = Vec::new();
        for (mode_flag, mode) in modes {
            for (padding_flag, padding) in paddings {
                for (encoding_flag, encoding) in encodings {
                    let other = Sealing { mode, padding, encoding, key: sealing.key.clone() };
                    let Ok(clear) = other.open(&self.value) else { continue };
                    let readable = !clear.is_empty() && !clear.chars().any(char::is_control);
                    let known = found.iter().any(|(_, known)| *known == clear);
                    if readable && !known {
                        found.push((format!("{mode_flag}{padding_flag}{encoding_flag}"), clear));
                    }
                }
            }
        }
        found
    }
}
