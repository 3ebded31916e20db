//! The section `[web]`: where the dashboard, health and metrics are served to people and to tools, and how safely.

use crate::toml_file::Section;
use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Where a node serves pages, and what protects them on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// Address to listen on; port 0 takes any free one.
    pub address: SocketAddr,
    /// What protects the pages on their way.
    pub security: WebSecurity,
}

/// What protects the pages on their way to the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebSecurity {
    /// Nothing: the address is of this computer alone, or the file says `insecure_http = true`.
    Plain,
    /// TLS with the node's own certificate, which browsers do not know by themselves.
    NodeCertificate,
    /// TLS with a certificate and a private key as PEM files.
    Files {
        /// The certificate, followed by those above it.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

impl Web {
    /// Whether passwords travel readable over a network.
    pub fn is_exposed(&self) -> bool {
        self.security == WebSecurity::Plain && !self.address.ip().is_loopback()
    }

    /// How a browser begins: `https://0.0.0.0:7480`.
    pub fn url(&self) -> String {
        let scheme = if self.security == WebSecurity::Plain { "http" } else { "https" };
        format!("{scheme}://{}", self.address)
    }
}

/// Reads the section; `None` where there is none, which leaves the pages off, or with a fault in the document.
pub(super) fn read(section: &Section<'_, '_, '_>, base: &Path, listen: Option<SocketAddr>) -> Option<Web> {
    let address = section.text("address");
    let (certificate, key) = (section.text("certificate"), section.text("key"));
    let insecure = section.flag("insecure_http").unwrap_or(false);
    if !section.present() {
        return None;
    }
    let address = section.required("address", address, "\"127.0.0.1:7480\"");
    let address = address.and_then(|text| {
        let expected = "expected an IP address and a port, for example 127.0.0.1:7480";
        let wrong = |_| section.fault("address", "value-form", format!("`{text}`: {expected}"));
        text.parse::<SocketAddr>().map_err(wrong).ok()
    });
    if address.is_some_and(|address| Some(address) == listen && address.port() != 0) {
        let message = "the pages need an address of their own, [listen] has this one".to_owned();
        section.fault("address", "web-address", message);
    }
    let has_file = certificate.is_some() || key.is_some();
    if insecure && has_file {
        let message = "insecure_http and a certificate contradict each other; leave one of them out";
        section.fault("insecure_http", "web-insecure", message);
    }
    let files = if has_file {
        let certificate = section.required("certificate", certificate, "\"web.crt\"");
        let key = section.required("key", key, "\"web.key\"");
        certificate.zip(key)
    } else {
        None
    };
    section.close();
    let address = address?;
    let security = match files {
        Some((certificate, key)) => {
            WebSecurity::Files { certificate: base.join(certificate), key: base.join(key) }
        }
        None if insecure || address.ip().is_loopback() => WebSecurity::Plain,
        None => WebSecurity::NodeCertificate,
    };
    Some(Web { address, security })
}

/// Appends the section; `relative` writes a path and `quoted` a text.
pub(super) fn write(
    web: &Web,
    relative: impl Fn(&Path) -> String,
    quoted: impl Fn(&str) -> String,
    out: &mut String,
) -> std::fmt::Result {
    writeln!(out, "\n# The dashboard, health and metrics. / Trang theo dõi, tình trạng và số đo.\n[web]")?;
    writeln!(out, "address = {}", quoted(&web.address.to_string()))?;
    match &web.security {
        WebSecurity::Files { certificate, key } => {
            writeln!(out, "certificate = {}\nkey = {}", relative(certificate), relative(key))
        }
        WebSecurity::Plain if web.is_exposed() => {
            writeln!(out, "# Passwords travel readable. / Mật khẩu đi qua mạng không được mã hóa.")?;
            writeln!(out, "insecure_http = true")
        }
        WebSecurity::Plain | WebSecurity::NodeCertificate => Ok(()),
    }
}
