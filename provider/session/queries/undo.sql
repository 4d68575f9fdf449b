ROLLBACK TO a_write
