"""Models of the zoo that see: tiny vision-language models, trained from nothing on drawn pictures."""
