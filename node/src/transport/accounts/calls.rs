//! The typed client's calls to the accounts service.

use super::super::client::{Channel, ClientError, NodeClient};
use danso_proto::v1::{
    AddAccountRequest, ChangeAccountRequest, ListAccountsAnswer, ListAccountsRequest, ListTokensAnswer,
    ListTokensRequest, MakeTokenAnswer, MakeTokenRequest, RevokeTokenRequest, SetPasswordRequest,
    SignInAnswer, SignInRequest, SignOutRequest, WhoAmIAnswer, WhoAmIRequest,
    accounts_client::AccountsClient,
};
use danso_tier_config::limits;

impl NodeClient {
    fn accounts(&self) -> AccountsClient<Channel> {
        AccountsClient::new(self.channel.clone()).max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
    }

    /// Opens a session; [`NodeClient::with_token`] takes its text.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<SignInAnswer, ClientError> {
        let request = SignInRequest { name: name.to_owned(), password: password.to_owned() };
        Ok(self.accounts().sign_in(request).await?.into_inner())
    }

    /// Ends the session that is shown.
    pub async fn sign_out(&self) -> Result<(), ClientError> {
        self.accounts().sign_out(SignOutRequest {}).await?;
        Ok(())
    }

    /// Who the node takes the caller for.
    pub async fn who_am_i(&self) -> Result<WhoAmIAnswer, ClientError> {
        Ok(self.accounts().who_am_i(WhoAmIRequest {}).await?.into_inner())
    }

    /// The accounts of the caller's subtree.
    pub async fn list_accounts(&self) -> Result<ListAccountsAnswer, ClientError> {
        Ok(self.accounts().list_accounts(ListAccountsRequest {}).await?.into_inner())
    }

    /// Adds an account; durable after `Ok`.
    pub async fn add_account(&self, request: AddAccountRequest) -> Result<(), ClientError> {
        self.accounts().add_account(request).await?;
        Ok(())
    }

    /// Changes or removes an account; durable after `Ok`.
    pub async fn change_account(&self, request: ChangeAccountRequest) -> Result<(), ClientError> {
        self.accounts().change_account(request).await?;
        Ok(())
    }

    /// Gives an account a new password; its sessions end.
    pub async fn set_password(&self, request: SetPasswordRequest) -> Result<(), ClientError> {
        self.accounts().set_password(request).await?;
        Ok(())
    }

    /// Sessions and tokens: of the caller's subtree, or the caller's own.
    pub async fn list_tokens(&self) -> Result<ListTokensAnswer, ClientError> {
        Ok(self.accounts().list_tokens(ListTokensRequest {}).await?.into_inner())
    }

    /// Makes an API token.
    pub async fn make_token(&self, request: MakeTokenRequest) -> Result<MakeTokenAnswer, ClientError> {
        Ok(self.accounts().make_token(request).await?.into_inner())
    }

    /// Ends a session or token at once.
    pub async fn revoke_token(&self, id: &str) -> Result<(), ClientError> {
        self.accounts().revoke_token(RevokeTokenRequest { id: id.to_owned() }).await?;
        Ok(())
    }
}
