//! A shell that signs with what every Linux has, so that nothing is hidden.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Call;

/// The parameters stand in variables of their own names: what is signed is then read as it is sorted.
pub fn write(call: &Call<'_>) -> String {
    let mut out = String::new();
    let mut variables = vec![
        ("app_key", single(call.access.app_key)),
        ("secret", single(call.access.secret)),
        ("method", single(call.spec.name)),
    ];
    variables.extend(call.session().map(|session| ("session", single(session))));
    let params = super::params(call.spec);
    variables.extend(params.iter().map(|(name, value)| (*name, single(value))));
    variables.push(("timestamp", "\"$(TZ=CST-8 date '+%Y-%m-%d %H:%M:%S')\"".to_owned()));
    for (name, value) in &variables {
        let _ = writeln!(out, "{name}={value}");
    }

    let mut sent: BTreeMap<&str, String> = BTreeMap::new();
    for (name, _) in variables.iter().filter(|(name, _)| *name != "secret") {
        sent.insert(name, format!("${{{name}}}"));
    }
    for (name, value) in [("format", "json"), ("sign_method", "md5"), ("v", "2.0")] {
        sent.insert(name, value.to_owned());
    }
    let signed: String = sent.iter().map(|(name, value)| format!("{name}{value}")).collect();
    let remark = call.t(
        "签名：参数按名称的字节序排列，名和值相连，首尾加 secret，取大写 MD5",
        "the sign: names and values in byte order of the names, the secret before and after, MD5 in capitals",
    );
    let _ = writeln!(out, "\n# {remark}");
    let _ = writeln!(out, "signed=\"{signed}\"");
    let digest = "md5sum | cut -c1-32 | tr a-f A-F";
    let _ =
        writeln!(out, "sign=\"$(printf '%s' \"${{secret}}${{signed}}${{secret}}\" | {digest})\"\n");
    let _ = write!(out, "curl -s '{}'", call.access.url());
    for (name, value) in &sent {
        let _ = write!(out, " \\\n  --data-urlencode \"{name}={value}\"");
    }
    let _ = writeln!(out, " \\\n  --data-urlencode \"sign=${{sign}}\"");
    out
}

/// A literal in single quotes.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
