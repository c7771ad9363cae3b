//! A call, signed and ready to leave.

use std::borrow::Cow;
use std::fmt;

use top::explain::{Mistake, wrong_sign};
use top::sign::{Secret, string_to_sign};
use top::{Params, SignMethod, form};

/// A call, signed and ready to leave: what a person looks at when a server says `Invalid signature`.
#[derive(Clone)]
pub struct Prepared {
    /// Every parameter but the sign.
    params: Params<'static>,
    sign_method: SignMethod,
    sign: String,
    sign_is_given: bool,
    secret: Secret,
    /// The body of a batch, which is signed with the parameters in the query.
    pub(crate) batch: Option<String>,
}

impl fmt::Debug for Prepared {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.params.iter().map(|(name, _)| name)).finish()
    }
}

impl Prepared {
    /// Signs `pairs`, of which the first with a name counts. Empty ones are left out, so that nobody
    /// can disagree on whether they are signed; so one given as empty stands for none. A `sign` among
    /// them is sent instead of ours.
    pub(crate) fn new(
        secret: &Secret,
        sign_method: SignMethod,
        pairs: Vec<(String, String)>,
        batch: Option<String>,
    ) -> Self {
        let (given, pairs): (Vec<_>, Vec<_>) =
            pairs.into_iter().partition(|(name, _)| name == "sign");
        let owned = |(name, value)| (Cow::Owned(name), Cow::Owned(value));
        let first = Params::from_pairs(pairs.into_iter().map(owned).collect());
        let filled = first.iter().filter(|(_, value)| !value.is_empty());
        let filled = filled.map(|(name, value)| (name.to_owned().into(), value.to_owned().into()));
        let params = Params::from_pairs(filled.collect());
        let body = batch.as_deref().unwrap_or_default();
        let sign = given.into_iter().map(|(_, sign)| sign).find(|sign| !sign.is_empty());
        let sign_is_given = sign.is_some();
        let sign = sign.unwrap_or_else(|| secret.sign(sign_method, params.iter(), body.as_bytes()));
        Self { params, sign_method, sign, sign_is_given, secret: secret.clone(), batch }
    }

    /// Every parameter but the sign, in the order they are signed.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.params.iter()
    }

    /// The sign.
    pub fn sign(&self) -> &str {
        &self.sign
    }

    /// Whether it was given, as a parameter, and not made here.
    pub fn sign_is_given(&self) -> bool {
        self.sign_is_given
    }

    /// How it was made.
    pub fn sign_method(&self) -> SignMethod {
        self.sign_method
    }

    /// The string that was signed, with `***` where `md5` has the secret.
    pub fn string_to_sign(&self) -> String {
        let body = self.batch.as_deref().unwrap_or_default();
        string_to_sign(self.sign_method, "***", self.params.iter(), body)
    }

    /// The mistake in a sign that was given instead of ours, see [`wrong_sign`].
    pub fn mistake(&self) -> Option<Mistake> {
        let body = self.batch.as_deref().unwrap_or_default();
        wrong_sign(&self.secret, self.sign_method, &self.params, body.as_bytes(), &self.sign)
    }

    /// All of it as a form.
    pub(crate) fn form(&self) -> String {
        form::encode(self.params.iter().chain([("sign", self.sign.as_str())]))
    }
}
