//! SM4 against published vectors and against the `openssl` command.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::io::Write;
use std::process::{Command, Stdio};

use cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use sm4::Sm4;
use top::seal::{BadScheme, DoesNotOpen, Encoding, Mode, Padding, Scheme, Sealing, from_hex};

const KEY: &str = "0123456789abcdeffedcba9876543210";
const IV: &str = "000102030405060708090a0b0c0d0e0f";

fn iv() -> [u8; 16] {
    from_hex(IV).unwrap().try_into().unwrap()
}

fn sealing(mode: Mode, encoding: Encoding) -> Sealing {
    scheme(KEY, Scheme { mode, encoding, ..Scheme::default() })
}

fn scheme(key: &str, scheme: Scheme) -> Sealing {
    Sealing { key: key.parse().unwrap(), scheme }
}

fn vectors() -> Vec<(Mode, String, String, String)> {
    let rows = include_str!("vectors/sm4.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let [mode, clear, hex, base64] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let mode = if mode == "ecb" { Mode::Ecb } else { Mode::CbcFixed(iv()) };
        (mode, clear.to_owned(), hex.to_owned(), base64.to_owned())
    })
    .collect()
}

#[test]
fn every_vector_seals_and_opens_in_every_encoding() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 18);
    for (mode, clear, hex, base64) in vectors {
        for (encoding, sealed) in [
            (Encoding::Hex, hex.clone()),
            (Encoding::HexUpper, hex.to_uppercase()),
            (Encoding::Base64, base64),
        ] {
            let sealing = sealing(mode, encoding);
            assert_eq!(sealing.seal(&clear, [0; 16]), sealed, "{clear}");
            assert_eq!(sealing.open(&sealed).as_deref(), Ok(clear.as_str()));
        }
        // Hex is read in either case, whatever was agreed for writing it.
        let mixed = hex.to_uppercase();
        assert_eq!(sealing(mode, Encoding::Hex).open(&mixed).as_deref(), Ok(clear.as_str()));
    }
}

#[test]
fn the_standards_own_example_holds_a_million_times() {
    let key = from_hex(KEY).unwrap();
    let cipher = Sm4::new_from_slice(&key).unwrap();
    let mut block: Block<Sm4> = key.as_slice().try_into().unwrap();
    let hex =
        |block: &Block<Sm4>| block.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    cipher.encrypt_block(&mut block);
    assert_eq!(hex(&block), "681edf34d206965e86b3e94f536e4246");
    for _ in 1..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(hex(&block), "595298c7c6fd271f0402f804c33d3f66");
    cipher.decrypt_block(&mut block);
    assert_ne!(hex(&block), "595298c7c6fd271f0402f804c33d3f66");
}

#[test]
fn gcm_holds_to_rfc_8998() {
    use aes_gcm::aead::{Aead, Payload};
    let cipher =
        aes_gcm::AesGcm::<Sm4, cipher::consts::U12>::new_from_slice(&from_hex(KEY).unwrap());
    let nonce: [u8; 12] = from_hex("00001234567800000000ABCD").unwrap().try_into().unwrap();
    let aad = from_hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2").unwrap();
    let clear = from_hex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDDEEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA").unwrap();
    let sealed =
        cipher.unwrap().encrypt(&nonce.into(), Payload { msg: &clear, aad: &aad }).unwrap();
    let expected = concat!(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        "83de3541e4c2b58177e065a9bf7b62ec",
    );
    assert_eq!(sealed, from_hex(expected).unwrap());
}

/// Made with PyCA's cryptography 48 over OpenSSL 3: the nonce, the ciphertext, the tag.
#[test]
fn gcm_puts_the_nonce_first_and_the_tag_last() {
    const SEALED: &str = "00001234567800000000abcd58e593be9e4444378e0f576a0a94f9bd4186c0af84df";
    let gcm = sealing(Mode::Gcm, Encoding::Hex);
    assert_eq!(gcm.open(SEALED).as_deref(), Ok("张三"));
    let mut fresh = [0; 16];
    fresh[..12].copy_from_slice(&from_hex(&SEALED[..24]).unwrap());
    assert_eq!(gcm.seal("张三", fresh), SEALED);
}

#[test]
fn a_key_comes_in_three_forms() {
    let ascii = scheme("1234567890abcdef", Scheme::default());
    assert_eq!(ascii.seal("张三", [0; 16]), "4130d36e75349a62c877f3d7c26eaaee");
    let base64 = scheme("ASNFZ4mrze/+3LqYdlQyEA==", Scheme::default());
    assert_eq!(base64.seal("张三", [0; 16]), "8e6d95a4b4b29a57d845dbd096e40f5d");
    for text in ["", "short", "0123456789abcdeffedcba987654321g", "ASNFZ4mrze/+3LqYdlQyE==="] {
        assert!(text.parse::<top::seal::Key>().is_err(), "{text}");
    }
    assert_eq!(format!("{:?}", "1234567890abcdef".parse::<top::seal::Key>()), "Ok(***)");
}

#[test]
fn what_is_sealed_opens_under_its_own_setting_only() {
    let modes = [Mode::Ecb, Mode::CbcFixed(iv()), Mode::CbcPrefixed, Mode::Gcm];
    let clear = "110101199003077571";
    for mode in modes {
        let sealed = sealing(mode, Encoding::Hex).seal(clear, [7; 16]);
        assert_eq!(sealing(mode, Encoding::Hex).open(&sealed).as_deref(), Ok(clear));
        for other in modes.into_iter().filter(|other| *other != mode) {
            // CBC forgives a wrong vector but for the first block, so "opened" may be nonsense.
            assert_ne!(
                sealing(other, Encoding::Hex).open(&sealed).as_deref(),
                Ok(clear),
                "{mode:?}"
            );
        }
        let other =
            scheme("fedcba98765432100123456789abcdef", Scheme { mode, ..Scheme::default() });
        assert_ne!(other.open(&sealed).as_deref(), Ok(clear), "{mode:?}");
        for broken in ["", "zz", &sealed[..sealed.len() - 2], &sealed[2..], "票"] {
            assert_ne!(sealing(mode, Encoding::Hex).open(broken).as_deref(), Ok(clear), "{mode:?}");
        }
    }
    let gcm = sealing(Mode::Gcm, Encoding::Base64);
    let mut sealed = gcm.seal("张三", [9; 16]).into_bytes();
    sealed[20] ^= 1;
    assert_eq!(gcm.open(&String::from_utf8_lossy(&sealed)), Err(DoesNotOpen));
}

#[test]
fn zero_padding_fills_with_zeros_and_takes_them_away() {
    let zero = scheme(KEY, Scheme { padding: Padding::Zero, ..Scheme::default() });
    for clear in ["", "张三", "AAAAAAAAAAAAAAAA", "13812345678"] {
        let sealed = zero.seal(clear, [0; 16]);
        assert_eq!(sealed.len() % 32, 0);
        assert_eq!(zero.open(&sealed).as_deref(), Ok(clear));
    }
}

#[test]
fn a_scheme_is_read_as_it_is_written_and_what_is_left_out_is_usual() {
    let cbc = "cbc:000102030405060708090a0b0c0d0e0f";
    for (text, whole) in [
        ("ecb", "ecb/pkcs7/hex".to_owned()),
        ("gcm/base64", "gcm/pkcs7/base64".to_owned()),
        ("cbc-prefixed/zero", "cbc-prefixed/zero/hex".to_owned()),
        (cbc, format!("{cbc}/pkcs7/hex")),
        ("ecb/pkcs7/hex-upper", "ecb/pkcs7/hex-upper".to_owned()),
    ] {
        let read: Scheme = text.parse().unwrap();
        assert_eq!(read.to_string(), whole);
        assert_eq!(whole.parse(), Ok(read));
    }
    for text in ["", "ctr", "cbc", "cbc:00", "ecb/pkcs5", "ecb/hex/pkcs7", "ecb/pkcs7/hex/"] {
        assert_eq!(text.parse::<Scheme>(), Err(BadScheme), "{text}");
    }
}

/// What the `openssl` command makes of the same.
fn openssl(mode: &str, clear: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(["enc", mode, "-K", KEY, "-e"]);
    if mode == "-sm4-cbc" {
        command.args(["-iv", IV]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("openssl: {error}; the README's test command installs what is missing")
    });
    child.stdin.take().unwrap().write_all(clear.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn openssl_agrees() {
    for clear in ["张三", "", "AAAAAAAAAAAAAAAA", "订单 a+b%&=c😀 of some length, over two blocks"]
    {
        assert_eq!(
            sealing(Mode::Ecb, Encoding::Hex).seal(clear, [0; 16]),
            openssl("-sm4-ecb", clear)
        );
        let cbc = sealing(Mode::CbcFixed(iv()), Encoding::Hex);
        assert_eq!(cbc.seal(clear, [0; 16]), openssl("-sm4-cbc", clear));
    }
}
