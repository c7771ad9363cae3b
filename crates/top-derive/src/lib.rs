//! `#[derive(Wire)]` for structs with named fields.
//!
//! It knows Rust syntax and no rule: it emits the members as data (name, type, label, example) and
//! one call per member for reading and writing. A field's first documentation paragraph is its
//! Chinese label as published, the rest its English one; `#[top(example = "…")]` is the page's
//! example. Names are never changed: the field name is the wire name.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Field, Fields, Ident, Lit, Meta, parse_macro_input,
};

/// Implements `top::Wire` and `top::Composite`.
#[proc_macro_derive(Wire, attributes(top))]
pub fn derive_wire(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// What is emitted for each member.
#[derive(Default)]
struct Members {
    specs: Vec<Tokens>,
    reads: Vec<Tokens>,
    names: Vec<Ident>,
    writes: Vec<Tokens>,
}

impl Members {
    fn of<'f>(fields: impl IntoIterator<Item = &'f Field>) -> syn::Result<Self> {
        let mut members = Self::default();
        for field in fields {
            let Some(name) = field.ident.clone() else { continue };
            let (ty, wire_name) = (&field.ty, name.to_string());
            let (zh, en) = labels(&field.attrs);
            let example = example(&field.attrs)?;
            members.specs.push(quote! {
                ::top::Field {
                    name: #wire_name,
                    shape: <#ty as ::top::Wire>::SHAPE,
                    required: <#ty as ::top::Wire>::REQUIRED,
                    label: ::top::label(#zh, #en),
                    example: #example,
                    privacy: <#ty as ::top::Wire>::PRIVACY,
                }
            });
            members.reads.push(quote! { let #name = reader.member::<#ty>(node, #wire_name); });
            members.writes.push(quote! { out.member(#wire_name, &self.#name); });
            members.names.push(name);
        }
        Ok(members)
    }
}

fn expand(input: &DeriveInput) -> syn::Result<Tokens> {
    let ident = &input.ident;
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(ident, "a wire type is a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(syn::Error::new_spanned(ident, "wire members have names"));
    };
    let type_name = ident.to_string();
    let item_name = snake_case(&type_name);
    let Members { specs, reads, names, writes } = Members::of(&fields.named)?;
    Ok(quote! {
        impl ::top::Wire for #ident {
            const SHAPE: ::top::Shape = ::top::Shape::Object(&<Self as ::top::Composite>::OBJECT);

            fn decode(node: &::top::Node<'_>, reader: &mut ::top::Reader) -> Option<Self> {
                if reader.expect_object(node) {
                    <Self as ::top::Composite>::decode_members(node, reader)
                } else {
                    None
                }
            }

            fn encode<E: ::top::Encoder>(&self, out: &mut E) {
                out.object(|out| <Self as ::top::Composite>::encode_members(self, out));
            }
        }

        impl ::top::Composite for #ident {
            const OBJECT: ::top::Object = ::top::Object {
                name: #type_name,
                item: #item_name,
                fields: &[#(#specs),*],
            };

            #[allow(unused_variables)]
            fn decode_members(
                node: &::top::Node<'_>,
                reader: &mut ::top::Reader,
            ) -> Option<Self> {
                #(#reads)*
                Some(Self { #(#names: #names?),* })
            }

            #[allow(unused_variables)]
            fn encode_members<E: ::top::Encoder>(&self, out: &mut E) {
                #(#writes)*
            }
        }
    })
}

/// `OrderFlightInfo` → `order_flight_info`: every capital is lowered, with `_` before it unless it
/// is the first letter.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// The Chinese and the English label: the first documentation paragraph and the rest.
fn labels(attrs: &[Attribute]) -> (String, String) {
    let lines: Vec<String> = attrs.iter().filter_map(doc_line).collect();
    let mut paragraphs = lines.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    let zh = paragraphs.next().unwrap_or_default();
    (zh, paragraphs.collect::<Vec<_>>().join(" "))
}

fn doc_line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attr.meta else {
        return None;
    };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value else {
        return None;
    };
    meta.path.is_ident("doc").then(|| text.value().trim().to_owned())
}

fn example(attrs: &[Attribute]) -> syn::Result<String> {
    let mut example = String::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("top")) {
        attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident("example") {
                return Err(meta.error("the only key is `example`"));
            }
            example = meta.value()?.parse::<syn::LitStr>()?.value();
            Ok(())
        })?;
    }
    Ok(example)
}
