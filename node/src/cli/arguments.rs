//! The tree of commands as clap reads it.

use super::{
    audit, authority, backup, bundle, chain, config, demo, directory, enrol, import, invite, keys, manual,
    person, query, rebuild, release, request, run, setup, simulate, status, token, user, verify,
};
use clap::{Parser, Subcommand};

/// A federated population warehouse / Kho dữ liệu dân số phân cấp.
#[derive(Debug, Parser)]
#[command(name = "danso", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an import refused some rows.\n\
    Environment: DANSO_LOG sets the log level (error, warn, info, debug) on stderr; DANSO_LOG_FORMAT\n\
    (plain, json) is how `danso run` writes it; DANSO_TOKEN holds a session or token to ask with, where\n\
    --keys and --token-file are not given.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a new node's file by a few questions / Cài đặt nút mới
    Setup(setup::Arguments),
    /// Check a node's file
    #[command(subcommand)]
    Config(config::Command),
    /// Make or check the list of all units
    #[command(subcommand)]
    Directory(directory::Command),
    /// Begin a tree: the root of trust and the keys of the top node
    #[command(subcommand)]
    Authority(authority::Command),
    /// Invite the node of a unit below / Mời nút cấp dưới
    Invite(invite::InviteArguments),
    /// Come into the tree with an invitation, or get new certificates / Ghi danh nút
    Enrol(enrol::Arguments),
    /// Revoke the node of a unit below, or one certificate / Thu hồi
    Revoke(invite::RevokeArguments),
    /// Make the certificate of a person, for programs that use one instead of a token
    Certificate(invite::CertificateArguments),
    /// Rotate or rewrap a node's keys; make throw-away keys for tests and the demo
    #[command(subcommand)]
    Keys(keys::Command),
    /// Show or verify the log of who read or wrote personal data / Nhật ký truy cập
    #[command(subcommand)]
    Audit(audit::Command),
    /// Sign in and out; accounts of people / Đăng nhập, tài khoản
    #[command(subcommand)]
    User(user::Command),
    /// Sessions and API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Show or settle chains that contradict themselves / Sổ mâu thuẫn
    #[command(subcommand)]
    Chain(chain::Command),
    /// Run a node / Chạy nút
    Run(run::Arguments),
    /// Check ledger and index of a stopped node; changes nothing
    Verify(verify::Arguments),
    /// Build the index of a stopped node anew from its ledger
    Rebuild(rebuild::Arguments),
    /// Back up a running node, check backups, restore one / Sao lưu, khôi phục
    #[command(subcommand)]
    Backup(backup::Command),
    /// Carry batches and receipts on a stick where there is no line / Gói dữ liệu qua USB
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Ask a node for counts, units, chains or indicators
    #[command(subcommand)]
    Query(query::Command),
    /// Import the A0 book or P0 sheets / Nhập sổ A0, phiếu P0
    #[command(subcommand)]
    Import(import::Command),
    /// Write the simulated register of a commune and its events as CSV
    SimulateRegister(simulate::Arguments),
    /// Show how far a node and the units below it have come
    Status(status::Arguments),
    /// Publish indicators
    #[command(subcommand)]
    Release(release::Command),
    /// Find and show persons of a commune's register / Tìm, xem người trong sổ
    #[command(subcommand)]
    Person(person::Command),
    /// Requests of persons about their data, with due dates / Yêu cầu về dữ liệu cá nhân
    #[command(subcommand)]
    Request(request::Command),
    /// Erase what names a person, here and in every tier above / Xóa dữ liệu cá nhân
    Erase(request::Erase),
    /// Write the completions of a shell to stdout
    Completions(manual::CompletionsArguments),
    /// Write a manual page for every command, for packages
    #[command(hide = true)]
    Man(manual::ManArguments),
    /// Play a small country on this computer and compare what is counted / Chạy thử
    Demo(demo::Arguments),
}
