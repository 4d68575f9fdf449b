RELEASE a_write
