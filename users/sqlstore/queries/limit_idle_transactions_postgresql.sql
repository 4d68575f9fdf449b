-- Ends a transaction whose process has stopped in the middle of it, so that the rows it has locked are free again.
SET idle_in_transaction_session_timeout = '30s'
